package glm

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
)

func heavyDesign(n, p int) blas64.General {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(p)))
	x := blas64.General{Rows: n, Cols: p, Stride: p + 1, Data: make([]float64, n*(p+1))}
	for i := range n {
		s := math.Exp(rng.NormFloat64())
		for j := range p {
			x.Data[i*x.Stride+j] = s * rng.NormFloat64()
		}
	}
	return x
}

// The Gram root and the whitened design equal plain sums, and are the same bits
// for any number of workers, at row counts on and beside the borders of blocks.
func TestWhitenBlocks(t *testing.T) {
	for _, n := range []int{1, 255, 256, 257, 2049, 9001} {
		const p = 3
		x := heavyDesign(n, p)
		fill := func(dst []float64, lo, hi int) {
			for i := lo; i < hi; i++ {
				copy(dst[(i-lo)*p:][:p], x.Data[i*x.Stride:])
			}
		}
		tri := []float64{2, -1, 0.5, 0, 3, 0.25, 0, 0, -1}
		r, ok := gramRoot(n, p, 1, fill)
		z, length := whitened(x, tri, 1)
		for _, workers := range []int{2, 5} {
			r2, ok2 := gramRoot(n, p, workers, fill)
			z2, length2 := whitened(x, tri, workers)
			if ok != ok2 || !slices.Equal(r, r2) || !slices.Equal(z.Data, z2.Data) || !slices.Equal(length, length2) {
				t.Errorf("n = %d: %d workers give other bits than one", n, workers)
			}
		}
		if ok != (n >= p) {
			t.Errorf("n = %d: positive definite is %t", n, ok)
		}
		for a := range p {
			for b := a; b < p && ok; b++ {
				got, want := 0.0, 0.0
				for k := range p {
					got += r[k*p+a] * r[k*p+b]
				}
				for i := range n {
					want += x.Data[i*x.Stride+a] * x.Data[i*x.Stride+b] / float64(n)
				}
				if math.Abs(got-want) > 1e-12*r[a*p+a]*float64(p)*10 {
					t.Errorf("n = %d: (R'R)[%d,%d] is %v, want %v", n, a, b, got, want)
				}
			}
		}
		for i := range n {
			sum := 0.0
			for j := range p {
				want := 0.0
				for k := range p {
					want += x.Data[i*x.Stride+k] * tri[k*p+j]
				}
				if got := z.Data[i*p+j]; math.Abs(got-want) > 1e-13*(1+math.Abs(want)) {
					t.Fatalf("n = %d: z[%d,%d] is %v, want %v", n, i, j, got, want)
				}
				sum += want * want
			}
			if math.Abs(length[i]-sum) > 1e-12*sum {
				t.Fatalf("n = %d: length[%d] is %v, want %v", n, i, length[i], sum)
			}
		}
	}
}

// bySpread is a permutation that sorts up to 1 in 16, keeps equal rows in
// order, and leaves rows of like length alone.
func TestBySpread(t *testing.T) {
	x := heavyDesign(3000, 2)
	_, length := whitened(x, identity(2), 1)
	length[7], length[70] = 0, 0
	perm := bySpread(length)
	if perm == nil {
		t.Fatal("a heavy-tailed design is left alone")
	}
	if sorted := slices.Sorted(slices.Values(perm)); sorted[0] != 0 || sorted[2999] != 2999 || len(slices.Compact(sorted)) != 3000 {
		t.Error("not a permutation")
	}
	if perm[0] != 7 || perm[1] != 70 {
		t.Errorf("rows of length zero come as %v", perm[:2])
	}
	for i := range len(perm) - 1 {
		if a, b := length[perm[i]], length[perm[i+1]]; a > b*(1+1./16) {
			t.Fatalf("place %d: length %v before %v", i, a, b)
		}
	}
	for i := range length {
		length[i] = 1 + 0.1*float64(i%7)
	}
	if bySpread(length) != nil {
		t.Error("rows of like length are reordered")
	}
	if bySpread(length[:256]) != nil {
		t.Error("one block is reordered")
	}
}

// A fit whose rows the engine takes in another order has the
// same bits for any number of workers.
func TestFitWorkers(t *testing.T) {
	frame := logisticData(5000, 4)
	var mean, cov []float64
	for _, workers := range []int{1, 2, 3} {
		opt := &Options{Family: Bernoulli("logit")}
		opt.Settings.Workers = workers
		f, err := Fit(context.Background(), "y ~ exp(x1) + x2 + x3", frame, opt)
		if err != nil {
			t.Fatal(err)
		}
		m, c := f.Posterior.Mean(nil), f.Posterior.Cov(nil).RawSymmetric().Data
		m = append(m, f.VI.ELBO, f.VI.ELBOErr, f.VI.KHat, f.VI.ELBOMC)
		if mean == nil {
			mean, cov = m, c
		}
		if !slices.Equal(m, mean) || !slices.Equal(c, cov) {
			t.Errorf("%d workers give other bits than one", workers)
		}
	}
}
