// Package api declares the JSON of a node's control interface. openapi.yaml describes the same for
// programs in other languages; a test holds the two together.
//
// The interface is HTTP over the unix socket in the directory of the node, and over TCP on a loopback
// address if the node is told to. All paths begin with /v1. A request that changes something, or that
// has the node speak to other peers, carries the token of the directory:
//
//	Authorization: Bearer TOKEN
//
// Keys are texts as people write them: 42, sku-00, 12D3KooW…, and with commas between the parts of a
// composite key. They are query parameters or members of the body, never parts of the path.
//
// A stream is one JSON object a line (application/x-ndjson). If it fails after it has begun, its last
// line is an object with the one member "error".
package api
