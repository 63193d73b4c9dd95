// Package wire writes and reads the small binary states that this module
// saves: fixed-width little-endian fields between a magic word and a CRC. A
// Reader never allocates more than the bytes it holds can justify, so that a
// damaged or hostile length field is an error and not a crash.
package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Writer appends fields to a message.
type Writer struct{ b []byte }

// NewWriter starts a message with an 8-byte magic word and a version.
func NewWriter(magic string, version uint32) *Writer {
	w := &Writer{}
	w.b = append(w.b, fmt.Sprintf("%-8.8s", magic)...)
	w.b = binary.LittleEndian.AppendUint32(w.b, version)
	return w
}

// Uint appends v.
func (w *Writer) Uint(v uint64) { w.b = binary.LittleEndian.AppendUint64(w.b, v) }

// Int appends v.
func (w *Writer) Int(v int) { w.Uint(uint64(int64(v))) }

// Float appends v bit by bit, NaN and infinities included.
func (w *Writer) Float(v float64) { w.Uint(math.Float64bits(v)) }

// Floats appends the length of v and its values.
func (w *Writer) Floats(v []float64) {
	w.Int(len(v))
	for _, x := range v {
		w.Float(x)
	}
}

// Bytes appends the length of v and its bytes.
func (w *Writer) Bytes(v []byte) {
	w.Int(len(v))
	w.b = append(w.b, v...)
}

// Finish appends the checksum and returns the message.
func (w *Writer) Finish() []byte {
	return binary.LittleEndian.AppendUint32(w.b, crc32.ChecksumIEEE(w.b))
}

// Reader reads the fields of a message in the order they were written. After
// the first failure every read returns zero and Err tells what was wrong.
type Reader struct {
	b   []byte
	err error
}

// NewReader checks magic word, version and checksum of b.
func NewReader(b []byte, magic string, version uint32) (*Reader, error) {
	const head, tail = 12, 4
	if len(b) < head+tail {
		return nil, fmt.Errorf("truncated: %d bytes, want at least %d", len(b), head+tail)
	}
	if got, want := string(b[:8]), fmt.Sprintf("%-8.8s", magic); got != want {
		return nil, fmt.Errorf("foreign: it starts with %q, want %q", got, want)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != version {
		return nil, fmt.Errorf("version %d, want %d", v, version)
	}
	n := len(b) - tail
	if got, want := crc32.ChecksumIEEE(b[:n]), binary.LittleEndian.Uint32(b[n:]); got != want {
		return nil, fmt.Errorf("damaged or truncated: checksum %08x, want %08x", got, want)
	}
	return &Reader{b: b[head:n]}, nil
}

func (r *Reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.b = nil
}

// Uint reads one field.
func (r *Reader) Uint() uint64 {
	if len(r.b) < 8 {
		r.fail("truncated: %d bytes left, want 8", len(r.b))
		return 0
	}
	v := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

// Int reads one field.
func (r *Reader) Int() int { return int(int64(r.Uint())) }

// Float reads one field.
func (r *Reader) Float() float64 { return math.Float64frombits(r.Uint()) }

// Len reads a count of items that take at least size bytes each.
func (r *Reader) Len(size int) int {
	n := r.Int()
	if n < 0 || n > len(r.b)/max(size, 1) {
		r.fail("length field %d, but %d bytes are left", n, len(r.b))
		return 0
	}
	return n
}

// Floats reads a slice; nil if it is empty.
func (r *Reader) Floats() []float64 {
	n := r.Len(8)
	if n == 0 {
		return nil
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = r.Float()
	}
	return v
}

// Bytes reads a slice.
func (r *Reader) Bytes() []byte {
	n := r.Len(1)
	if r.err != nil {
		return nil
	}
	v := append([]byte(nil), r.b[:n]...)
	r.b = r.b[n:]
	return v
}

// Done returns the first failure, or an error if bytes are left over.
func (r *Reader) Done() error {
	if r.err == nil && len(r.b) != 0 {
		r.err = fmt.Errorf("%d bytes left over", len(r.b))
	}
	return r.err
}
