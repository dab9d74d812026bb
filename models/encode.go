package models

// Encode returns m as a row, without a store: its encoded primary key, in its
// last form, and its value. Both are the caller's.
func (t *Tree[M, K]) Encode(m *M) (key, value []byte, err error) {
	if value, err = t.codec.Append(nil, m); err != nil {
		return nil, nil, t.failModel("encode", m, err)
	}
	return t.appendPrimary(nil, m), value, nil
}

// Decode returns the model of a row that came from elsewhere, checked as
// [Raw.Validate] does. Its error matches ErrInvalid.
func (t *Tree[M, K]) Decode(key, value []byte) (M, error) {
	m, _, err := t.decodeStranger(nil, key, value)
	if err != nil {
		return *new(M), t.raw.failAt("decode", key, err)
	}
	return *m.(*M), nil
}

// EncodeKey returns a primary key in its encoded last form, as Encode does.
func (t *Tree[M, K]) EncodeKey(key K) []byte { return t.key.AppendLast(nil, key) }

// DecodeKey returns the primary key whose encoded last form is key, as Encode
// returns it. Its error matches ErrInvalid.
func (t *Tree[M, K]) DecodeKey(key []byte) (K, error) {
	k, err := t.key.DecodeLast(key)
	if err != nil {
		return k, t.raw.failAt("decode", key, err)
	}
	return k, nil
}
