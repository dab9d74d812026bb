package record

import (
	"fmt"

	record "github.com/libp2p/go-libp2p-record"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
)

// Validator returns the validators of every registered tree, by namespace, and
// that of public keys ("pk"). The map belongs to the caller, who may add others, such
// as ipns.Validator:
//
//	validator := records.Validator()
//	validator["ipns"] = ipns.Validator{KeyBook: host.Peerstore()}
//	dht.New(host, append(records.DHTOptions(), dht.Validator(validator))...)
func (r *Records) Validator() record.NamespacedValidator {
	validators := record.NamespacedValidator{"pk": counted{record.PublicKeyValidator{}, &r.metrics}}
	for name, tree := range r.trees {
		validators[name] = counted{validator{tree}, &r.metrics}
	}
	return validators
}

// counted is a validator that counts and logs its refusals. A record that it refuses for kad-dht
// never comes as far as Put.
type counted struct {
	record.Validator
	metrics *metrics
}

func (c counted) Validate(key string, value []byte) error {
	err := c.Validator.Validate(key, value)
	if err != nil {
		c.metrics.invalid(key, err)
	}
	return err
}

// validator checks the records of one tree, and chooses between them, as its
// policy says.
type validator struct{ tree *modelTree }

var _ record.Validator = validator{}

// Validate checks that value is the row that key names.
func (v validator) Validate(key string, value []byte) error {
	_, err := v.tree.checkRecord(key, value)
	return err
}

// Select returns the number of the best valid value, the first of equal ones.
// If none is valid, it returns an error that says why the first is not.
func (v validator) Select(key string, values [][]byte) (int, error) {
	var best policy.Candidate
	var refusal error
	chosen := -1
	for i, value := range values {
		c, err := v.tree.checkRecord(key, value)
		switch {
		case err != nil && refusal == nil:
			refusal = err
		case err == nil && (chosen < 0 || c.Compare(&best) > 0):
			chosen, best = i, c
		}
	}
	if chosen < 0 {
		if refusal == nil {
			refusal = fmt.Errorf("%w: there is none", models.ErrInvalid)
		}
		return 0, fmt.Errorf("no value to select for %q: %w", shorten(key), refusal)
	}
	return chosen, nil
}
