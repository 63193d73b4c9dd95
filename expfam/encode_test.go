package expfam

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"testing"
)

// sealed appends the checksum that b needs to be read.
func sealed(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }

// saved builds bytes with a right checksum and whatever else is asked for.
func saved(version uint16, nameLen int, name string, dim, n uint32, eta ...float64) []byte {
	b := []byte(encodeMagic)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = binary.LittleEndian.AppendUint16(b, uint16(nameLen))
	b = append(b, name...)
	b = binary.LittleEndian.AppendUint32(b, dim)
	b = binary.LittleEndian.AppendUint32(b, n)
	for _, v := range eta {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return sealed(b)
}

// TestUnmarshalHostile feeds bytes whose checksum is right and whose content
// is not: lengths beyond the data, other families, parameters outside the domain.
func TestUnmarshalHostile(t *testing.T) {
	for _, c := range []struct {
		what string
		b    []byte
		want string
	}{
		{"version", saved(9, 5, "gamma", 1, 2, 1, -1), "version is 9"},
		{"long name", saved(1, 60000, "gamma", 1, 2, 1, -1), "does not fit"},
		{"other family", saved(1, 4, "beta", 1, 2, 1, 1), `hold a "beta"`},
		{"huge count", saved(1, 5, "gamma", 1, math.MaxUint32, 1, -1), "4294967295 parameters announced"},
		{"small count", saved(1, 5, "gamma", 1, 1, 1, -1), "1 parameters announced"},
		{"other size", saved(1, 5, "gamma", 1, 3, 1, -1, 2), "1 with 3 parameters"},
		{"other dimension", saved(1, 5, "gamma", 7, 2, 1, -1), "dimension 7"},
		{"improper", saved(1, 5, "gamma", 1, 2, 1, 1), "-rate"},
		{"NaN", saved(1, 5, "gamma", 1, 2, math.NaN(), -1), "shape-1"},
		{"no body", sealed([]byte(encodeMagic)), "too few"},
		{"empty", nil, "too few"},
	} {
		g, err := NewGamma(2, 3)
		if err != nil {
			t.Fatal(err)
		}
		before := *g
		if err := g.UnmarshalBinary(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.what, err, c.want)
		}
		if *g != before {
			t.Errorf("%s: refused bytes changed the receiver", c.what)
		}
	}
}

// TestUnmarshalSize checks which sizes a zero value takes from the bytes, that
// it stays zero after an error, and that a sized receiver keeps its size.
func TestUnmarshalSize(t *testing.T) {
	for what, b := range map[string][]byte{
		"one category":  saved(1, 9, "dirichlet", 1, 1, 2),
		"none":          saved(1, 9, "dirichlet", 0, 0),
		"dimension":     saved(1, 9, "dirichlet", 3, 2, 2, 2),
		"huge and void": saved(1, 9, "dirichlet", math.MaxUint32, math.MaxUint32),
		"improper":      saved(1, 9, "dirichlet", 2, 2, 2, -2),
	} {
		d := new(Dirichlet)
		if d.UnmarshalBinary(b) == nil || d.NumParams() != 0 {
			t.Errorf("%s: the zero value accepts it or is changed", what)
		}
	}
	for what, b := range map[string][]byte{
		"none":      saved(1, 11, "categorical", 1, 0),
		"dimension": saved(1, 11, "categorical", 2, 2, 1, 1),
		"NaN":       saved(1, 11, "categorical", 1, 2, 1, math.NaN()),
	} {
		c := new(Categorical)
		if c.UnmarshalBinary(b) == nil || c.NumParams() != 0 {
			t.Errorf("%s: the zero value accepts it or is changed", what)
		}
	}
	d, err := NewDirichlet([]float64{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if d.UnmarshalBinary(saved(1, 9, "dirichlet", 2, 2, 2, 2)) == nil || d.Dim() != 3 {
		t.Error("a Dirichlet of three categories takes the bytes of one of two")
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(saved(1, 9, "dirichlet", 2, 2, 2, 2))
	f.Add(saved(1, 5, "gamma", 1, 2, 1, -1))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, g := new(Dirichlet), new(Gamma)
		for _, data := range [][]byte{b, sealed(append([]byte(nil), b...))} {
			if d.UnmarshalBinary(data) == nil && d.CheckNatural(d.Natural(nil)) != nil {
				t.Errorf("%x gives an improper Dirichlet", data)
			}
			if g.UnmarshalBinary(data) == nil && g.CheckNatural(g.Natural(nil)) != nil {
				t.Errorf("%x gives an improper gamma", data)
			}
		}
	})
}
