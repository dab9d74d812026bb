package compress

// Sample limits: a sample is as large as it is worth being for a dictionary of MaxContent, one half
// of which becomes the dictionary and the other shows whether it is any good.
const (
	maxSampleBytes = 2 * MaxContent
	maxSampleRows  = 2048
	// maxSampleValue is how much of one value a sample takes.
	maxSampleValue = 4 << 10
)

// Sample is values of a tree to train a dictionary from. The zero value is an empty one.
type Sample struct {
	values [][]byte
	size   int
}

// Add adds a copy of a value. It reports whether the sample is complete.
func (s *Sample) Add(value []byte) (complete bool) {
	value = value[:min(len(value), maxSampleValue)]
	s.values = append(s.values, append([]byte(nil), value...))
	s.size += len(value)
	return s.size >= maxSampleBytes || len(s.values) >= maxSampleRows
}

// worthwhile is by how much a dictionary has to be better than the one before: one part in ten.
const worthwhile = 10

// Train returns a dictionary from one half of the sample, or nil if it makes the other half hardly
// smaller than old does. Old may be nil. Ratio is how much of the other half remains with the
// better one of both, 1 if neither is of use.
func (s *Sample) Train(old *Dictionary) (trained *Dictionary, ratio float64) {
	trained = new(Dictionary)
	for i := 0; i < len(s.values); i += 2 {
		trained.add(s.values[i])
	}
	if len(trained.content) < minContent {
		return nil, 1
	}
	trained.encoding.Do(func() {}) // the index is there
	plain, packed, before := 0, 0, 0
	var buf []byte
	for i := 1; i < len(s.values); i += 2 {
		value := s.values[i]
		plain += len(value)
		packed += trained.sizeOf(value, &buf)
		if old != nil {
			before += old.sizeOf(value, &buf)
		}
	}
	if old == nil {
		before = plain
	}
	if plain == 0 {
		return nil, 1
	}
	if packed > before-before/worthwhile {
		return nil, float64(before) / float64(plain)
	}
	return trained, float64(packed) / float64(plain)
}

func (d *Dictionary) sizeOf(value []byte, buf *[]byte) int {
	packed, ok := d.Append((*buf)[:0], value)
	*buf = packed
	if !ok {
		return len(value)
	}
	return len(packed)
}

// copied is the part of a value that is left where the dictionary has it almost as it is.
const copied = 8

// add adds a value unless the dictionary has nearly the same one already, or is full.
func (d *Dictionary) add(value []byte) {
	if len(d.content)+len(value) > MaxContent {
		return
	}
	if len(d.content) >= minContent {
		d.encoding.Do(func() {})
		if packed, ok := d.Append(nil, value); ok && len(packed) < len(value)/copied {
			return
		}
	}
	d.content = append(d.content, value...)
	d.index.add(d.content, len(value))
}
