package session

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/internal/compress"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// MaxDictionaries is how many dictionaries a tree can have.
const MaxDictionaries = 16

// numbered is a dictionary with its number.
type numbered struct {
	number     uint32
	dictionary *compress.Dictionary
	// ratio is how much of the values remained when the dictionary was made.
	ratio float64
}

// Compressor compresses the rows of a tree in one store. It trains dictionaries from the values that
// are written: the first one once there are enough of them, and others when values become clearly
// longer than the last one led to expect.
type Compressor struct {
	unpacker *Unpacker
	// keep writes a dictionary to the catalog.
	keep func(s *Session, number uint32, content []byte, ratio float64) error

	// current is in the catalog. Trained, if it is set, is to be used from now on: each transaction
	// keeps it, until one has committed.
	current, trained atomic.Pointer[numbered]

	mu sync.Mutex
	// sample is nil unless values are being collected.
	sample *compress.Sample
	// Values that were written since the last look at the ratio: how many, their bytes, and how many
	// of these remained. The next look is after window values.
	values, plain, packed, window int
	// next is the number of the next dictionary, if that is not over MaxDictionaries.
	next uint64
}

const (
	// firstWindow is how many values are written between two looks at the ratio. It doubles, up to
	// lastWindow, each time that training was of no use.
	firstWindow, lastWindow = 1 << 12, 1 << 20
	// worse is how much more has to remain of values than their dictionary led to expect before
	// another one is trained.
	worse = 1.25
)

// NewCompressor returns a compressor that uses the dictionary with the highest number, if there is
// one. Ratio is as keep was given it.
func NewCompressor(
	u *Unpacker, ratio float64, keep func(s *Session, number uint32, content []byte, ratio float64) error,
) *Compressor {
	c := &Compressor{unpacker: u, keep: keep, window: firstWindow, next: 1}
	for number, dictionary := range *u.dictionaries.Load() {
		if uint64(number) >= c.next {
			c.next = uint64(number) + 1
			c.current.Store(&numbered{number, dictionary, ratio})
		}
	}
	if c.current.Load() == nil {
		c.sample = new(compress.Sample)
	}
	return c
}

// Collect gives the compressor values that are stored already, as long as it has a use for them. It
// is called before any other method.
func (c *Compressor) Collect(values iter.Seq[[]byte]) {
	if c.sample == nil {
		return
	}
	for value := range values {
		if c.sample.Add(value) {
			c.train()
			return
		}
	}
}

// appendRow appends the header and the value of a row, compressed if that makes it shorter. It
// encrypts the row, which lies at the stored key at, unless key is nil.
func (c *Compressor) appendRow(
	s *Session, key *crypt.DataKey, dst, at []byte, h format.Header, value []byte,
) ([]byte, error) {
	use, err := c.use(s)
	if err != nil {
		return dst, err
	}
	if use != nil {
		h.Dictionary = use.number
		row, start := BeginRow(key, dst, h)
		from := len(row)
		if packed, ok := use.dictionary.Append(row, value); ok {
			c.note(use, value, len(packed)-from)
			return EndRow(key, packed, start, at, h), nil
		}
		h.Dictionary = 0
	}
	c.note(use, value, len(value))
	return AppendRow(key, dst, at, h, value), nil
}

// Keep writes a dictionary that has been trained meanwhile to the catalog, for rows that were made
// without a transaction.
func (c *Compressor) Keep(s *Session) error {
	_, err := c.use(s)
	return err
}

// use returns the dictionary to use in a transaction, or nil.
func (c *Compressor) use(s *Session) (*numbered, error) {
	trained := c.trained.Load()
	if trained == nil || s == nil {
		return c.current.Load(), nil
	}
	for _, kept := range s.kept {
		if kept == trained {
			return trained, nil
		}
	}
	if err := c.keep(s, trained.number, trained.dictionary.Content(), trained.ratio); err != nil {
		return nil, err
	}
	s.kept = append(s.kept, trained)
	s.Committed = append(s.Committed, func() {
		c.current.Store(trained)
		c.trained.CompareAndSwap(trained, nil)
	})
	return trained, nil
}

// note takes note of a value of which some bytes remain.
func (c *Compressor) note(use *numbered, value []byte, remain int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sample != nil {
		if c.sample.Add(value) {
			c.train()
		}
		return
	}
	c.values++
	c.plain += len(value)
	c.packed += remain
	if c.values < c.window {
		return
	}
	if c.next <= MaxDictionaries && (use == nil || float64(c.packed) > worse*use.ratio*float64(c.plain)) {
		c.sample = new(compress.Sample)
	}
	c.values, c.plain, c.packed = 0, 0, 0
}

// train makes a dictionary of the sample, if it is better than the one there is.
func (c *Compressor) train() {
	var old *compress.Dictionary
	current := c.current.Load()
	if current != nil {
		old = current.dictionary
	}
	dictionary, ratio := c.sample.Train(old)
	c.sample = nil
	c.values, c.plain, c.packed = 0, 0, 0
	if dictionary == nil {
		c.window = min(2*c.window, lastWindow)
		if current != nil { // values are as they are
			c.current.CompareAndSwap(current, &numbered{current.number, current.dictionary, ratio})
		}
		return
	}
	c.window = firstWindow
	number := uint32(c.next)
	c.next++
	c.unpacker.add(number, dictionary)
	c.trained.Store(&numbered{number, dictionary, ratio})
}
