package wire

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"testing"
)

func sample() []byte {
	w := NewWriter("test", 3)
	w.Int(-7)
	w.Float(math.Inf(-1))
	w.Floats([]float64{1, math.Pi})
	w.Bytes([]byte("abc"))
	return w.Finish()
}

func read(b []byte) error {
	r, err := NewReader(b, "test", 3)
	if err != nil {
		return err
	}
	r.Int()
	r.Float()
	r.Floats()
	r.Bytes()
	return r.Done()
}

func TestRoundTrip(t *testing.T) {
	r, err := NewReader(sample(), "test", 3)
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Int(); v != -7 {
		t.Errorf("Int = %d", v)
	}
	if v := r.Float(); !math.IsInf(v, -1) {
		t.Errorf("Float = %v", v)
	}
	if v := r.Floats(); len(v) != 2 || v[1] != math.Pi {
		t.Errorf("Floats = %v", v)
	}
	if v := string(r.Bytes()); v != "abc" {
		t.Errorf("Bytes = %q", v)
	}
	if err := r.Done(); err != nil {
		t.Error(err)
	}
}

func TestDamage(t *testing.T) {
	good := sample()
	for n := range good {
		if read(good[:n]) == nil {
			t.Errorf("no error for the first %d of %d bytes", n, len(good))
		}
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x40
		if read(bad) == nil {
			t.Errorf("no error with byte %d changed", i)
		}
	}
	if _, err := NewReader(good, "other", 3); err == nil || !strings.Contains(err.Error(), "foreign") {
		t.Errorf("foreign magic: %v", err)
	}
	if _, err := NewReader(good, "test", 4); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("other version: %v", err)
	}
}

// A length field far beyond the message, with a right checksum, must be
// refused before anything of that length is allocated.
func TestHostileLength(t *testing.T) {
	for _, n := range []uint64{1 << 40, 1 << 63, math.MaxUint64, 100} {
		b := sample()
		b = b[:len(b)-4]
		binary.LittleEndian.PutUint64(b[12+16:], n)
		b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
		if err := read(b); err == nil || !strings.Contains(err.Error(), "length field") {
			t.Errorf("length %d: %v", n, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(sample())
	f.Add([]byte("test    "))
	f.Fuzz(func(t *testing.T, b []byte) { _ = read(b) })
}
