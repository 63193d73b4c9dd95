package structured

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/natgrad/natgrad/internal/wire"
)

const (
	gaussianMagic   = "ngsgauss"
	gaussianVersion = 1
)

// writeFactor appends what readFactor needs. It errs if that could not make the
// root: of a type from elsewhere, or nested too deep.
func writeFactor(w *wire.Writer, f Factor) error {
	if _, err := parseRoot(f.Name(), f.Dim(), float64(f.NumParams())); err != nil {
		return err
	}
	w.Int(f.Dim())
	w.Bytes([]byte(f.Name()))
	w.Floats(f.Values(nil))
	return nil
}

// readFactor makes a root from its dimension, name and numbers. The number of
// numbers that are there bounds what it allocates.
func readFactor(r *wire.Reader) (Factor, error) {
	p, name, v := r.Int(), string(r.Bytes()), r.Floats()
	build, err := parseRoot(name, p, float64(len(v)))
	if err != nil {
		return nil, err
	}
	f, err := build()
	if err != nil {
		return nil, err
	}
	if f.NumParams() != len(v) {
		return nil, fmt.Errorf("%s of dimension %d has %d numbers, not %d", name, p, f.NumParams(), len(v))
	}
	return f, f.SetValues(v)
}

// maxNesting bounds products of products.
const maxNesting = 8

// parseRoot returns the constructor of the p×p root that Factor.Name calls name.
// It refuses sizes with more than limit numbers before anything is allocated.
func parseRoot(name string, p int, limit float64) (func() (Factor, error), error) {
	return parseNested(name, p, limit, 0)
}

func parseNested(name string, p int, limit float64, depth int) (func() (Factor, error), error) {
	word, rest, _ := strings.Cut(name, "(")
	if word == "kronecker" {
		return parseKronecker(rest, p, limit, depth)
	}
	var k [2]int
	n := 0
	if rest != "" {
		for _, s := range strings.Split(strings.TrimSuffix(rest, ")"), ",") {
			if n == len(k) {
				return nil, fmt.Errorf("no root is called %q", name)
			}
			v, err := strconv.Atoi(s)
			if err != nil || v < 0 || v > p {
				return nil, fmt.Errorf("root %q of dimension %d has a size %q", name, p, s)
			}
			k[n] = v
			n++
		}
	}
	q := float64(p)
	var size float64 // a lower bound on the number of numbers
	var build func() (Factor, error)
	switch {
	case word == "diagonal" && n == 0:
		size, build = q, func() (Factor, error) { return Diagonal(p) }
	case word == "toeplitz" && n == 0:
		size, build = q, func() (Factor, error) { return Toeplitz(p) }
	case word == "dense" && n == 0:
		size, build = q*q, func() (Factor, error) { return Dense(p) }
	case word == "cholesky" && n == 0:
		size, build = q*(q+1)/2, func() (Factor, error) { return Cholesky(p) }
	case word == "low" && n == 1:
		size, build = q*max(1, float64(k[0]))/2, func() (Factor, error) { return Low(p, k[0]) }
	case word == "up" && n == 1:
		size, build = q*max(1, float64(k[0]))/2, func() (Factor, error) { return Up(p, k[0]) }
	case word == "heisenberg-low" && n == 2:
		size, build = q*max(1, float64(k[0]+k[1]))/2, func() (Factor, error) { return HeisenbergLow(p, k[0], k[1]) }
	case word == "heisenberg-up" && n == 2:
		size, build = q*max(1, float64(k[0]+k[1]))/2, func() (Factor, error) { return HeisenbergUp(p, k[0], k[1]) }
	default:
		return nil, fmt.Errorf("no root is called %q", name)
	}
	if p < 1 || size > limit {
		return nil, fmt.Errorf("root %q of dimension %d does not fit %v numbers", name, p, limit)
	}
	return build, nil
}

// parseKronecker parses "d: NAME, q: NAME)" after the word.
func parseKronecker(s string, p int, limit float64, depth int) (func() (Factor, error), error) {
	bad := fmt.Errorf("%q describes no product of two roots of dimension %d", s, p)
	s, ok := strings.CutSuffix(s, ")")
	if !ok || depth == maxNesting || p < 1 {
		return nil, bad
	}
	// The comma between the parts is the one outside of parentheses.
	at, open := -1, 0
	for i, r := range s {
		switch {
		case r == '(':
			open++
		case r == ')':
			open--
		case r == ',' && open == 0 && at < 0:
			at = i
		}
	}
	if at < 0 {
		return nil, bad
	}
	var size [2]int
	var build [2]func() (Factor, error)
	for i, part := range []string{s[:at], strings.TrimPrefix(s[at+1:], " ")} {
		n, name, ok := strings.Cut(part, ": ")
		v, err := strconv.Atoi(n)
		if !ok || err != nil || v < 1 || p%v != 0 {
			return nil, bad
		}
		size[i] = v
		if build[i], err = parseNested(name, v, limit, depth+1); err != nil {
			return nil, err
		}
	}
	if size[1] != p/size[0] {
		return nil, bad
	}
	return func() (Factor, error) {
		c, err := build[0]()
		if err != nil {
			return nil, err
		}
		k, err := build[1]()
		if err != nil {
			return nil, err
		}
		return Kronecker(c, k)
	}, nil
}

// MarshalBinary writes the whole state: mean, root with its shape, rate of the
// mean, and momentum. UnmarshalBinary restores it bit for bit. It errs if the root
// is none of this package, or a product of products more than 8 deep.
func (g *Gaussian) MarshalBinary() ([]byte, error) {
	if g.f == nil {
		return nil, errors.New("structured: Gaussian.MarshalBinary: the zero value has no state")
	}
	w := wire.NewWriter(gaussianMagic, gaussianVersion)
	w.Floats(g.mu)
	if err := writeFactor(w, g.f); err != nil {
		return nil, fmt.Errorf("structured: Gaussian.MarshalBinary: %w", err)
	}
	w.Float(g.meanRate)
	w.Float(g.alpha)
	w.Floats(g.mom)
	return w.Finish(), nil
}

// UnmarshalBinary makes the receiver, whatever its shape, the Gaussian that
// MarshalBinary wrote. On error the receiver is unchanged.
func (g *Gaussian) UnmarshalBinary(b []byte) error {
	fail := func(err error) error { return fmt.Errorf("structured: Gaussian.UnmarshalBinary: %w", err) }
	r, err := wire.NewReader(b, gaussianMagic, gaussianVersion)
	if err != nil {
		return fail(err)
	}
	mu := r.Floats()
	f, err := readFactor(r)
	if err != nil {
		return fail(err)
	}
	meanRate, alpha, mom := r.Float(), r.Float(), r.Floats()
	if err := r.Done(); err != nil {
		return fail(err)
	}
	if len(mu) != f.Dim() {
		return fail(fmt.Errorf("a mean of length %d and a root of dimension %d", len(mu), f.Dim()))
	}
	n, err := New(mu, f)
	if err == nil {
		err = n.SetMeanRate(meanRate)
	}
	if err == nil {
		err = n.SetMomentum(alpha)
	}
	if err == nil {
		err = restore(n.mom, mom)
	}
	if err != nil {
		return fail(err)
	}
	*g = *n
	return nil
}

// restore copies saved momentum.
func restore(dst, saved []float64) error {
	if len(saved) != len(dst) || !allFinite(saved) {
		return errors.New("momentum that is not of this state")
	}
	copy(dst, saved)
	return nil
}
