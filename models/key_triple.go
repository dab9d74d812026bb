package models

// Triple is a key of three parts, ordered by the first, then by the second and
// then by the third.
type Triple[A, B, C any] struct {
	First  A
	Second B
	Third  C
}

// MakeTriple returns the triple of first, second and third.
func MakeTriple[A, B, C any](first A, second B, third C) Triple[A, B, C] {
	return Triple[A, B, C]{first, second, third}
}

func (Triple[A, B, C]) first(a A) Triple[A, B, C] { return Triple[A, B, C]{First: a} }

func (Triple[A, B, C]) firstTwo(a A, b B) Triple[A, B, C] {
	return Triple[A, B, C]{First: a, Second: b}
}

// TripleOf returns the codec of triples whose parts are written by a, b and c. It
// writes the bytes that nested pairs have. See [PairOf] for what a part can be.
func TripleOf[A, B, C any](a KeyCodec[A], b KeyCodec[B], c KeyCodec[C]) KeyCodec[Triple[A, B, C]] {
	name := "triple(" + a.Name() + "," + b.Name() + "," + c.Name() + ")"
	return &nestedCodec[Triple[A, B, C], Pair[A, Pair[B, C]]]{
		name: name, parts: 3,
		pairs: namedPair(name, a, KeyCodec[Pair[B, C]](namedPair(name, b, c))),
		split: func(key Triple[A, B, C]) Pair[A, Pair[B, C]] {
			return MakePair(key.First, MakePair(key.Second, key.Third))
		},
		join: func(key Pair[A, Pair[B, C]]) Triple[A, B, C] {
			return MakeTriple(key.First, key.Second.First, key.Second.Second)
		},
		leading: func(dst []byte, key Triple[A, B, C], n int) []byte {
			dst = a.Append(dst, key.First)
			if n > 1 {
				dst = b.Append(dst, key.Second)
			}
			return dst
		},
	}
}

// Quad is a key of four parts, ordered by the first, then by the second, the
// third and the fourth.
type Quad[A, B, C, D any] struct {
	First  A
	Second B
	Third  C
	Fourth D
}

// MakeQuad returns the quad of first, second, third and fourth.
func MakeQuad[A, B, C, D any](first A, second B, third C, fourth D) Quad[A, B, C, D] {
	return Quad[A, B, C, D]{first, second, third, fourth}
}

func (Quad[A, B, C, D]) first(a A) Quad[A, B, C, D] { return Quad[A, B, C, D]{First: a} }

func (Quad[A, B, C, D]) firstTwo(a A, b B) Quad[A, B, C, D] {
	return Quad[A, B, C, D]{First: a, Second: b}
}

func (Quad[A, B, C, D]) firstThree(a A, b B, c C) Quad[A, B, C, D] {
	return Quad[A, B, C, D]{First: a, Second: b, Third: c}
}

// QuadOf returns the codec of quads whose parts are written by a, b, c and d. It
// writes the bytes that nested pairs have. See [PairOf] for what a part can be.
func QuadOf[A, B, C, D any](a KeyCodec[A], b KeyCodec[B], c KeyCodec[C], d KeyCodec[D]) KeyCodec[Quad[A, B, C, D]] {
	type last = Pair[C, D]
	type rest = Pair[B, last]
	name := "quad(" + a.Name() + "," + b.Name() + "," + c.Name() + "," + d.Name() + ")"
	return &nestedCodec[Quad[A, B, C, D], Pair[A, rest]]{
		name: name, parts: 4,
		pairs: namedPair(name, a, KeyCodec[rest](namedPair(name, b, KeyCodec[last](namedPair(name, c, d))))),
		split: func(key Quad[A, B, C, D]) Pair[A, rest] {
			return MakePair(key.First, MakePair(key.Second, MakePair(key.Third, key.Fourth)))
		},
		join: func(key Pair[A, rest]) Quad[A, B, C, D] {
			return MakeQuad(key.First, key.Second.First, key.Second.Second.First, key.Second.Second.Second)
		},
		leading: func(dst []byte, key Quad[A, B, C, D], n int) []byte {
			dst = a.Append(dst, key.First)
			if n > 1 {
				dst = b.Append(dst, key.Second)
			}
			if n > 2 {
				dst = c.Append(dst, key.Third)
			}
			return dst
		},
	}
}

// pairsCodec is what a nestedCodec asks of the codec of nested pairs.
type pairsCodec[P any] interface {
	KeyCodec[P]
	SkippingCodec
	multiText
}

// nestedCodec writes keys of type K as nested pairs of type P.
type nestedCodec[K, P any] struct {
	name  string
	parts int
	pairs pairsCodec[P]
	split func(K) P
	join  func(P) K
	// leading is AppendParts.
	leading func(dst []byte, key K, n int) []byte
}

func (c *nestedCodec[K, P]) Name() string { return c.name }

func (c *nestedCodec[K, P]) Append(dst []byte, key K) []byte {
	return c.pairs.Append(dst, c.split(key))
}

func (c *nestedCodec[K, P]) Decode(src []byte) (key K, rest []byte, err error) {
	pairs, rest, err := c.pairs.Decode(src)
	return c.join(pairs), rest, err
}

func (c *nestedCodec[K, P]) AppendLast(dst []byte, key K) []byte {
	return c.pairs.AppendLast(dst, c.split(key))
}

func (c *nestedCodec[K, P]) DecodeLast(src []byte) (K, error) {
	pairs, err := c.pairs.DecodeLast(src)
	return c.join(pairs), err
}

func (c *nestedCodec[K, P]) AppendText(dst []byte, key K) []byte {
	return c.pairs.AppendText(dst, c.split(key))
}

func (c *nestedCodec[K, P]) ParseText(text string) (K, error) {
	pairs, err := c.pairs.ParseText(text)
	return c.join(pairs), err
}

func (c *nestedCodec[K, P]) Format(key K) string { return c.pairs.Format(c.split(key)) }

func (c *nestedCodec[K, P]) Parse(text string) (K, error) {
	pairs, err := c.pairs.Parse(text)
	return c.join(pairs), err
}

// Skip implements [SkippingCodec].
func (c *nestedCodec[K, P]) Skip(src []byte) ([]byte, error) { return c.pairs.Skip(src) }

// Parts implements [PartsCodec].
func (c *nestedCodec[K, P]) Parts() int { return c.parts }

// AppendParts implements [PartsCodec].
func (c *nestedCodec[K, P]) AppendParts(dst []byte, key K, n int) []byte {
	return c.leading(dst, key, n)
}

func (c *nestedCodec[K, P]) textParts() int { return c.pairs.textParts() }
