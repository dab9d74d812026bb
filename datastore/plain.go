package datastore

import "github.com/newsnet-africa/netabase-go/models"

// plain keeps what the go-datastore face is given under keys that belong to no
// typed tree: other data of the program, as it is.
var (
	plain = models.NewTree("plain", models.String, func(p *plainRow) string { return p.Key },
		models.WithCodec(models.Codec[plainRow](plainCodec{})),
		models.WithKey(func(p *plainRow, key string) { p.Key = key }))

	builtin = models.NewDefinition("netabase", plain)
)

// Plain returns the tree in which the go-datastore face keeps values that belong
// to no typed tree. A key is the path, "/pins/x", and a value is exactly the
// value that was put.
func (s *Store) Plain() *models.Raw { return plain.Raw() }

type plainRow struct {
	Key   string
	Value []byte
}

// plainCodec writes the value as it is; the key is that of the row.
type plainCodec struct{}

// Verbatim says that the value is written as it is, so that package models copies it once.
func (plainCodec) Verbatim() {}

func (plainCodec) Name() string           { return "plain" }
func (plainCodec) Fields() []models.Field { return nil }

func (plainCodec) Append(dst []byte, p *plainRow) ([]byte, error) {
	return append(dst, p.Value...), nil
}

func (plainCodec) Decode(src []byte, p *plainRow) error {
	*p = plainRow{Value: append(make([]byte, 0, len(src)), src...)}
	return nil
}
