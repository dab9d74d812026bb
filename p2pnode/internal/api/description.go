package api

import _ "embed"

// Description is openapi.yaml.
//
//go:embed openapi.yaml
var Description []byte
