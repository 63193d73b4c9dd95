package autodiff

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// HMMLogProb returns the log probability of the observations of a hidden Markov model with K
// states, the states summed out by the forward recursion
//
//	α_0(j) = i_j + e_0j,   α_t(j) = e_tj + log Σ_i exp(α_{t−1}(i) + p_ij),   log Σ_j exp(α_{T−1}(j))
//
// in log space, for the log weights i of the first state (a vector of K; zeros give every
// state weight one), the log probabilities p of a move from state i (row) to j (K×K), and
// the log densities e of observation t in state j (T×K). Numbers that are not
// normalised count as they are; −Inf excludes. Gradients are the smoothed state
// probabilities and expected moves. Cost TK² exponentials; memory TK². See Rabiner, A
// tutorial on hidden Markov models, Proc. IEEE 77 (1989), section III.
func HMMLogProb(logInitial, logTransition, logEmission any) Node {
	const fn = "HMMLogProb"
	t := tapeOf(fn, logInitial, logTransition, logEmission)
	i, p, e := t.vectorOf(fn, "logInitial", logInitial), t.squareOf(fn, "logTransition", logTransition), t.matrixOf(fn, "logEmission", logEmission)
	k, steps := int(t.nodes[p].rows), int(t.nodes[e].rows)
	if n := &t.nodes[i]; int(n.rows) != k {
		panic(&Error{Func: fn, Param: "logInitial", Value: n.shape() + ", logTransition is " + t.nodes[p].shape(), Want: "an element a state"})
	}
	if n := &t.nodes[e]; int(n.cols) != k {
		panic(&Error{Func: fn, Param: "logEmission", Value: n.shape() + ", logTransition is " + t.nodes[p].shape(), Want: "a column a state"})
	}
	return t.scalarNode(hmmRule, [4]int32{i, p, e, none}, hmmWork(k, steps))
}

// hmm is the memory of a model with k states and T observations.
type hmm struct {
	k, steps int
	alpha    []float64 // T×K, α
	back     []float64 // (T−1)×K×K; [t][j][i]: probability of i at t given j at t+1 and the data up to t
	gamma    []float64 // T×K, probability of the states given all data
	dalpha   []float64 // T×K, directional derivative of α
	dgamma   []float64 // 2×K, of γ at two times
	scratch  []float64 // K
}

func hmmWork(k, steps int) int { return (steps-1)*k*k + 3*steps*k + 3*k }

func newHMM(k, steps int, work []float64) hmm {
	cut := func(n int) []float64 {
		s := work[:n:n]
		work = work[n:]
		return s
	}
	n := steps * k
	return hmm{k: k, steps: steps, alpha: cut(n), back: cut((steps - 1) * k * k), gamma: cut(n), dalpha: cut(n), dgamma: cut(2 * k), scratch: cut(k)}
}

// kernel is the matrix back[t]; row j is over the states i at t.
func (h *hmm) kernel(t int) []float64 { return h.back[t*h.k*h.k : (t+1)*h.k*h.k] }

// forward sets α and the kernels and returns the log probability.
func (h *hmm) forward(initial, transition, emission []float64) float64 {
	k := h.k
	for j, v := range initial {
		h.alpha[j] = v + emission[j]
	}
	for t := 1; t < h.steps; t++ {
		last, now, b := h.alpha[(t-1)*k:t*k], h.alpha[t*k:(t+1)*k], h.kernel(t-1)
		for j := range now {
			for i, a := range last {
				h.scratch[i] = a + transition[i*k+j]
			}
			now[j] = emission[t*k+j] + softmax(b[j*k:(j+1)*k], h.scratch)
		}
	}
	return softmax(h.gamma[(h.steps-1)*k:], h.alpha[(h.steps-1)*k:])
}

// smooth goes back through the kernels from the last γ, which forward has set, to all.
func (h *hmm) smooth() {
	k := h.k
	for t := h.steps - 2; t >= 0; t-- {
		now, next, b := h.gamma[t*k:(t+1)*k], h.gamma[(t+1)*k:(t+2)*k], h.kernel(t)
		clear(now)
		for j, g := range next {
			for i, p := range b[j*k : (j+1)*k] {
				now[i] += g * p
			}
		}
	}
}

func (n *node) hmm(t *tape) (h hmm, initial, transition, emission *node) {
	initial, transition, emission = &t.nodes[n.in[0]], &t.nodes[n.in[1]], &t.nodes[n.in[2]]
	return newHMM(int(emission.cols), int(emission.rows), n.work), initial, transition, emission
}

var hmmRule = &rule{
	name: "HMMLogProb",
	forward: func(t *tape, n *node) {
		h, i, p, e := n.hmm(t)
		n.val[0] = h.forward(i.val, p.val, e.val)
	},
	backward: func(t *tape, n *node) {
		h, i, p, e := n.hmm(t)
		h.smooth()
		g, k := n.adj[0], h.k
		axpy(i.adj, g, h.gamma[:k])
		axpy(e.adj, g, h.gamma)
		if p.adj == nil {
			return
		}
		for s := range h.steps - 1 {
			b := h.kernel(s)
			for to, w := range h.gamma[(s+1)*k : (s+2)*k] {
				for from, v := range b[to*k : (to+1)*k] {
					p.adj[from*k+to] += g * w * v
				}
			}
		}
	},
	// α̇_t(j) = ė_tj + Σ_i B(i|j)·(α̇_{t−1}(i) + ṗ_ij)
	tangent: func(t *tape, n *node) {
		h, init, p, e := n.hmm(t)
		k := h.k
		clear(h.dalpha)
		copy(h.dalpha, init.dot)
		if e.dot != nil {
			axpy(h.dalpha, 1, e.dot)
		}
		for s := range h.steps - 1 {
			last, now, b := h.dalpha[s*k:(s+1)*k], h.dalpha[(s+1)*k:(s+2)*k], h.kernel(s)
			for j := range now {
				sum := dot(last, b[j*k:(j+1)*k])
				if p.dot != nil {
					for i, w := range b[j*k : (j+1)*k] {
						sum += w * p.dot[i*k+j]
					}
				}
				now[j] += sum
			}
		}
		last := (h.steps - 1) * k
		n.dot[0] = dot(h.dalpha[last:], h.gamma[last:])
	},
	// The derivative of what backward adds, with those of the kernels,
	// Ḃ(i|j) = B(i|j)·(α̇_{t−1}(i) + ṗ_ij − mean over i), and of γ back in time.
	backward2: func(t *tape, n *node) {
		h, init, p, e := n.hmm(t)
		g, dg, k := n.adj[0], n.dadj[0], h.k
		next, now := h.dgamma[:k], h.dgamma[k:]
		last := (h.steps - 1) * k
		for j, v := range h.gamma[last:] {
			next[j] = v * (h.dalpha[last+j] - n.dot[0])
		}
		axpy(e.dadj, dg, h.gamma)
		for s := h.steps - 2; s >= 0; s-- {
			addRow(e.dadj, (s+1)*k, g, next)
			b := h.kernel(s)
			clear(now)
			for j, w := range h.gamma[(s+1)*k : (s+2)*k] {
				mean := h.dalpha[(s+1)*k+j]
				if e.dot != nil {
					mean -= e.dot[(s+1)*k+j]
				}
				for i, v := range b[j*k : (j+1)*k] {
					u := h.dalpha[s*k+i] - mean
					if p.dot != nil {
						u += p.dot[i*k+j]
					}
					move := w * v
					dmove := v * (next[j] + w*u)
					now[i] += dmove
					if p.adj != nil {
						p.dadj[i*k+j] += dg*move + g*dmove
					}
				}
			}
			next, now = now, next
		}
		addRow(e.dadj, 0, g, next)
		axpy(init.dadj, g, next)
		axpy(init.dadj, dg, h.gamma[:k])
	},
}

// addRow is dst[at:] += c·x; nothing if dst is nil.
func addRow(dst []float64, at int, c float64, x []float64) {
	if dst != nil {
		axpy(dst[at:at+len(x)], c, x)
	}
}

// HMMStateProbs writes the smoothed probabilities of the states to dst (T×K, nil
// allocates), P(state j at t | all observations), of a hidden Markov model given by
// numbers as HMMLogProb takes them, and returns dst and the log probability. If
// that is −Inf, the observations are impossible and the rows are no probabilities.
func HMMStateProbs(dst *mat.Dense, logInitial []float64, logTransition, logEmission *mat.Dense) (*mat.Dense, float64) {
	steps, k := logEmission.Dims()
	if r, c := logTransition.Dims(); r != k || c != k || len(logInitial) != k {
		panic(fmt.Sprintf("autodiff: HMMStateProbs: logTransition is %d×%d, logInitial has length %d, logEmission %d columns", r, c, len(logInitial), k))
	}
	if dst == nil {
		dst = mat.NewDense(steps, k, nil)
	}
	if r, c := dst.Dims(); r != steps || c != k {
		panic(fmt.Sprintf("autodiff: HMMStateProbs: dst is %d×%d, logEmission %d×%d", r, c, steps, k))
	}
	h := newHMM(k, steps, make([]float64, hmmWork(k, steps)))
	p, e := logTransition.RawMatrix(), logEmission.RawMatrix()
	v := h.forward(logInitial, packed(p.Data, k, k, p.Stride), packed(e.Data, steps, k, e.Stride))
	h.smooth()
	for t := range steps {
		dst.SetRow(t, h.gamma[t*k:(t+1)*k])
	}
	return dst, v
}
