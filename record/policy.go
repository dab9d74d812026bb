package record

import (
	"fmt"
	"strings"

	"github.com/newsnet-africa/netabase-go/models"
)

// checkPolicy reports what is wrong with a tree of Options.Models under its policy.
func checkPolicy(tree models.AnyTree) error {
	key := tree.Core().Key
	switch tree.Policy() {
	case models.Local:
		return fmt.Errorf("%w: tree %s is local, so it cannot travel: declare it with models.WithPolicy, "+
			"or in a definition that Options.Models does not have",
			models.ErrDefinition, tree.Name())
	case models.Signed:
		if key != PeerKey.Name() && !strings.HasPrefix(key, "pair("+PeerKey.Name()+",") &&
			!strings.HasPrefix(key, "triple("+PeerKey.Name()+",") &&
			!strings.HasPrefix(key, "quad("+PeerKey.Name()+",") {
			return fmt.Errorf("%w: tree %s is signed, so its key has to be record.PeerKey or to begin with it, not %s",
				models.ErrDefinition, tree.Name(), key)
		}
	case models.Immutable:
		if key != HashKey.Name() {
			return fmt.Errorf("%w: tree %s is immutable, so its key has to be record.HashKey, not %s",
				models.ErrDefinition, tree.Name(), key)
		}
	}
	return nil
}
