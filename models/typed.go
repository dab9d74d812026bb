package models

import "github.com/newsnet-africa/netabase-go/internal/session"

// These methods make a tree the types of its table. Each model is a *M.

func (t *Tree[M, K]) fresh() any { return new(M) }

func (t *Tree[M, K]) take() any { return t.models.Get() }

func (t *Tree[M, K]) give(model any) {
	*model.(*M) = *new(M)
	t.models.Put(model)
}

func (t *Tree[M, K]) appendPrimary(dst []byte, model any) []byte {
	return t.key.AppendLast(dst, t.primary(model.(*M)))
}

func (t *Tree[M, K]) appendDelimited(dst []byte, model any) []byte {
	return t.key.Append(dst, t.primary(model.(*M)))
}

func (t *Tree[M, K]) formatPrimary(model any) string { return t.FormatKey(t.primary(model.(*M))) }

func (t *Tree[M, K]) setPrimary(model any, primary []byte) error {
	key, err := t.key.DecodeLast(primary)
	if err == nil {
		t.setKey(model.(*M), key)
	}
	return err
}

func (t *Tree[M, K]) appendValue(dst []byte, model any) ([]byte, error) {
	return t.codec.Append(dst, model.(*M))
}

func (t *Tree[M, K]) decodeValue(value []byte, into any) error {
	return t.codec.Decode(value, into.(*M))
}

func (t *Tree[M, K]) clockOf(model any) uint64 {
	if t.clock == nil {
		return 0
	}
	return t.clock(model.(*M))
}

func (t *Tree[M, K]) mergeModels(a, b any) any {
	merged := t.merging(a.(*M), b.(*M))
	return &merged
}

func (t *Tree[M, K]) appendKeys(to []keyList, place *session.Place, model any, primary, value []byte) {
	for i, ix := range t.indexes {
		ix.appendKeys(place, &to[i], model.(*M), primary, value)
	}
}

func (t *Tree[M, K]) appendPlain(index int, to *keyList, model any) {
	t.indexes[index].appendPlain(to, model.(*M))
}
