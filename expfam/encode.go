package expfam

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// The bytes of a Dist, all integers little-endian:
//
//	magic "ngEF" | version uint16 | len(name) uint16 | name |
//	Dim uint32 | NumParams uint32 | η as NumParams float64 bit patterns | CRC-32 (IEEE) of all before
//
// The state of a Dist is its η; what is known of a family besides, such as the
// exponent of a Weibull distribution, is in its name. Nothing else is stored.
const (
	encodeMagic   = "ngEF"
	encodeVersion = 1
	encodeFixed   = len(encodeMagic) + 2 + 2 + 4 + 4 + 4 // all but name and η
)

// marshalEta returns the bytes of d.
func marshalEta(d coordinates) ([]byte, error) {
	name, n := d.Name(), d.NumParams()
	if len(name) > math.MaxUint16 || int64(n) > math.MaxUint32 || int64(d.Dim()) > math.MaxUint32 {
		return nil, fmt.Errorf("expfam: %s.MarshalBinary: dimension %d or %d parameters do not fit the format", name, d.Dim(), n)
	}
	b := make([]byte, 0, encodeFixed+len(name)+8*n)
	b = append(b, encodeMagic...)
	b = binary.LittleEndian.AppendUint16(b, encodeVersion)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, name...)
	b = binary.LittleEndian.AppendUint32(b, uint32(d.Dim()))
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	for _, v := range d.Natural(nil) {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// decodeEta reads the bytes of a Dist of the named family. It allocates only
// after the lengths that the bytes claim agree with the bytes that are there.
func decodeEta(name string, b []byte) (dim int, eta []float64, err error) {
	fail := func(format string, args ...any) (int, []float64, error) {
		return 0, nil, fmt.Errorf("expfam: %s.UnmarshalBinary: "+format, append([]any{name}, args...)...)
	}
	if len(b) < encodeFixed {
		return fail("%d bytes are too few for a saved distribution", len(b))
	}
	if string(b[:len(encodeMagic)]) != encodeMagic {
		return fail("the bytes are no saved distribution (they begin with %q)", b[:len(encodeMagic)])
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return fail("checksum mismatch: the bytes are truncated or damaged")
	}
	p := body[len(encodeMagic):]
	if v := binary.LittleEndian.Uint16(p); v != encodeVersion {
		return fail("format version is %d, want %d", v, encodeVersion)
	}
	k := int(binary.LittleEndian.Uint16(p[2:]))
	p = p[4:]
	if k > len(p)-8 {
		return fail("a name of %d bytes does not fit in %d", k, len(p))
	}
	if got := string(p[:k]); got != name {
		return fail("the bytes hold a %q distribution, want %q", got, name)
	}
	p = p[k:]
	d, n := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:])
	p = p[8:]
	if uint64(len(p)) != 8*uint64(n) {
		return fail("%d parameters announced, %d bytes follow", n, len(p))
	}
	eta = make([]float64, n)
	for i := range eta {
		eta[i] = math.Float64frombits(binary.LittleEndian.Uint64(p[8*i:]))
	}
	return int(d), eta, nil
}

// resizer is implemented by families of variable size, so that unmarshalling
// into a zero value can give it one. resize changes nothing and returns an
// error if no member of the family has this dimension and number of
// parameters; otherwise it leaves the receiver ready for SetNatural.
// resize(0, 0) restores the zero value.
type resizer interface {
	resize(dim, numParams int) error
}

// unmarshalEta sets d to the distribution in b. The receiver must have the
// size of the saved distribution, or be a zero value (NumParams 0) of a type
// that implements resizer. On error d is unchanged.
func unmarshalEta(d coordinates, b []byte) error {
	dim, eta, err := decodeEta(d.Name(), b)
	if err != nil {
		return err
	}
	if len(eta) == 0 {
		return fmt.Errorf("expfam: %s.UnmarshalBinary: the bytes hold no parameters", d.Name())
	}
	if r, ok := d.(resizer); ok && d.NumParams() == 0 {
		if err := r.resize(dim, len(eta)); err != nil {
			return fmt.Errorf("expfam: %s.UnmarshalBinary: %w", d.Name(), err)
		}
		err := d.SetNatural(eta)
		if err != nil {
			r.resize(0, 0)
		}
		return err
	}
	if dim != d.Dim() || len(eta) != d.NumParams() {
		return fmt.Errorf("expfam: %s.UnmarshalBinary: the bytes hold dimension %d with %d parameters, the receiver has %d with %d",
			d.Name(), dim, len(eta), d.Dim(), d.NumParams())
	}
	return d.SetNatural(eta)
}
