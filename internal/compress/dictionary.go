package compress

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

const (
	// MaxContent is the most bytes that a dictionary has. More make rows hardly smaller, and no
	// longer fit into the caches of a processor.
	MaxContent = 112 << 10
	// MaxValue is the length of the longest value that is compressed, and the most memory that
	// reading one takes.
	MaxValue = 4 << 20
	// MinValue is the length of the shortest value that is compressed.
	MinValue = 24
)

// Dictionary compresses values and restores them. It may be used concurrently.
type Dictionary struct {
	content []byte

	encoding sync.Once
	index    index

	decoding sync.Once
	decoder  *zstd.Decoder
	failure  error
}

// dictionaryMagic begins a zstd dictionary that is more than its content.
var dictionaryMagic = []byte{0x37, 0xA4, 0x30, 0xEC}

// New returns the dictionary with some content, which it keeps. Its error matches engine.ErrCorrupt.
func New(content []byte) (*Dictionary, error) {
	switch {
	case len(content) < minContent || len(content) > MaxContent:
		return nil, fmt.Errorf("%w: a dictionary of %d bytes, which are to be %d to %d", engine.ErrCorrupt,
			len(content), minContent, MaxContent)
	case bytes.HasPrefix(content, dictionaryMagic):
		return nil, fmt.Errorf("%w: a dictionary with tables, which this version does not use", engine.ErrCorrupt)
	}
	return &Dictionary{content: content}, nil
}

// minContent is 8 bytes, the most that offsets go back at the start of a frame.
const minContent = 8

// Content returns the content, which belongs to the dictionary.
func (d *Dictionary) Content() []byte { return d.content }

// Append appends the compressed value to dst. It reports false, with dst as it was, if that is no
// shorter than the value.
func (d *Dictionary) Append(dst, value []byte) ([]byte, bool) {
	if len(value) < MinValue || len(value) > MaxValue {
		return dst, false
	}
	d.encoding.Do(func() { d.index.add(d.content, len(d.content)) })
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	packed := e.appendFrame(dst, d, value)
	if len(packed)-len(dst) >= len(value) {
		return dst, false
	}
	return packed, true
}

// frameMagic begins a zstd frame. Rows leave it out.
var frameMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}

// Expand returns the value that Append has compressed, in memory of its own. Its error matches
// engine.ErrCorrupt.
func (d *Dictionary) Expand(frame []byte) ([]byte, error) {
	size, err := Size(frame)
	if err != nil {
		return nil, err
	}
	value, err := d.expandOwn(make([]byte, 0, size), afterSize(frame))
	if err == nil {
		return value, nil
	}
	return d.expandOther(frame, size)
}

// expandOther restores a value from any zstd frame: a later version may write other ones than this.
func (d *Dictionary) expandOther(frame []byte, size int) ([]byte, error) {
	if d.decoding.Do(d.startDecoder); d.failure != nil {
		return nil, d.failure
	}
	whole := append(append(make([]byte, 0, len(frameMagic)+len(frame)), frameMagic...), frame...)
	value, err := d.decoder.DecodeAll(whole, make([]byte, 0, size))
	if err == nil && len(value) != size {
		err = fmt.Errorf("it has %d bytes, and says %d", len(value), size)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: compressed value: %w", engine.ErrCorrupt, err)
	}
	return value, nil
}

func (d *Dictionary) startDecoder() {
	d.decoder, d.failure = zstd.NewReader(nil, zstd.WithDecoderDictRaw(0, d.content),
		zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(MaxValue), zstd.WithDecodeAllCapLimit(true))
}

// The first bytes of frames, by how many bytes follow with the length of the value. All say that
// the window is the whole value and that there is no checksum.
const (
	size1 = 0x20
	size2 = 0x60
	size4 = 0xA0
	// size2Least is the length that size2 writes as 0.
	size2Least = 256
)

// Size returns the length of the value that a frame holds, at most MaxValue. Its error matches
// engine.ErrCorrupt.
func Size(frame []byte) (int, error) {
	size := -1
	switch {
	case len(frame) > 1 && frame[0] == size1:
		size = int(frame[1])
	case len(frame) > 2 && frame[0] == size2:
		size = int(binary.LittleEndian.Uint16(frame[1:])) + size2Least
	case len(frame) > 4 && frame[0] == size4:
		size = int(min(binary.LittleEndian.Uint32(frame[1:]), MaxValue+1))
	}
	if size < MinValue || size > MaxValue {
		return 0, fmt.Errorf("%w: a compressed value does not begin with a length of %d to %d", engine.ErrCorrupt,
			MinValue, MaxValue)
	}
	return size, nil
}

// afterSize returns what comes after the length of a frame of which Size returns no error.
func afterSize(frame []byte) []byte { return frame[1+1<<(frame[0]>>6):] }

func appendSize(dst []byte, size int) []byte {
	switch {
	case size < size2Least:
		return append(dst, size1, byte(size))
	case size < size2Least+1<<16:
		return binary.LittleEndian.AppendUint16(append(dst, size2), uint16(size-size2Least))
	}
	return binary.LittleEndian.AppendUint32(append(dst, size4), uint32(size))
}
