package session

import (
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/compress"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Dictionaries are those that rows of one tree are compressed with.
type Dictionaries struct {
	// known has them by number. It is replaced and never changed.
	known atomic.Pointer[map[uint32]*compress.Dictionary]
}

// NewDictionaries returns the dictionaries with their numbers.
func NewDictionaries(known map[uint32]*compress.Dictionary) *Dictionaries {
	d := new(Dictionaries)
	d.known.Store(&known)
	return d
}

// Plain returns row with its value as it is outside of the store: that of row itself, or memory of
// its own if the row is compressed. Its error matches engine.ErrCorrupt. There are no dictionaries
// if d is nil.
func (d *Dictionaries) Plain(row format.Row) (format.Row, error) {
	if row.Dictionary == 0 {
		return row, nil
	}
	dictionary, err := d.of(row)
	if err != nil {
		return row, err
	}
	row.Dictionary = 0
	row.Value, err = dictionary.Expand(row.Value)
	return row, err
}

// Size returns the length of the value that Plain returns, without making it.
func (d *Dictionaries) Size(row format.Row) (int, error) {
	if row.Dictionary == 0 {
		return len(row.Value), nil
	}
	return compress.Size(row.Value)
}

func (d *Dictionaries) of(row format.Row) (*compress.Dictionary, error) {
	if d != nil {
		if dictionary := (*d.known.Load())[row.Dictionary]; dictionary != nil {
			return dictionary, nil
		}
	}
	return nil, fmt.Errorf("%w: row is compressed with dictionary %d, which is missing", engine.ErrCorrupt,
		row.Dictionary)
}

func (d *Dictionaries) add(number uint32, dictionary *compress.Dictionary) {
	known := maps.Clone(*d.known.Load())
	known[number] = dictionary
	d.known.Store(&known)
}

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
	dictionaries *Dictionaries
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
	d *Dictionaries, ratio float64, keep func(s *Session, number uint32, content []byte, ratio float64) error,
) *Compressor {
	c := &Compressor{dictionaries: d, keep: keep, window: firstWindow, next: 1}
	for number, dictionary := range *d.known.Load() {
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

// appendRow appends the header and the value of a row, compressed if that makes it shorter.
func (c *Compressor) appendRow(s *Session, dst []byte, h format.Header, value []byte) ([]byte, error) {
	use, err := c.use(s)
	if err != nil {
		return dst, err
	}
	if use != nil {
		h.Dictionary = use.number
		start := len(format.AppendRowHeader(dst, h))
		packed, ok := use.dictionary.Append(format.AppendRowHeader(dst, h), value)
		if ok {
			c.note(use, value, len(packed)-start)
			return packed, nil
		}
		h.Dictionary = 0
	}
	c.note(use, value, len(value))
	return append(format.AppendRowHeader(dst, h), value...), nil
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
	c.dictionaries.add(number, dictionary)
	c.trained.Store(&numbered{number, dictionary, ratio})
}
