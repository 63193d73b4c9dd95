package autodiff

// The log densities of this file are those of the elements, not their sum: what
// the components of a mixture (LogMix) and the emissions of a hidden Markov chain
// (HMMLogProb) are made of. Operands, supports and constants are those of the sums
// of the same name.

// NormalLogProbs returns log N(y_i | mu_i, sigma_i²), elementwise; see NormalLogProb.
func NormalLogProbs(y, mu, sigma any) Node { return normalDensity.each(y, mu, sigma) }

// StudentTLogProbs returns the terms of StudentTLogProb.
func StudentTLogProbs(y, nu, mu, sigma any) Node { return studentTDensity.each(y, nu, mu, sigma) }

// LogNormalLogProbs returns the terms of LogNormalLogProb.
func LogNormalLogProbs(y, mu, sigma any) Node { return logNormalDensity.each(y, mu, sigma) }

// ExponentialLogProbs returns the terms of ExponentialLogProb.
func ExponentialLogProbs(y, rate any) Node { return exponentialDensity.each(y, rate) }

// GammaLogProbs returns the terms of GammaLogProb.
func GammaLogProbs(y, shape, rate any) Node { return gammaDensity.each(y, shape, rate) }

// BetaLogProbs returns the terms of BetaLogProb.
func BetaLogProbs(y, a, b any) Node { return betaDensity.each(y, a, b) }

// BernoulliLogitLogProbs returns the terms of BernoulliLogitLogProb.
func BernoulliLogitLogProbs(y, eta any) Node { return bernoulliLogitDensity.each(y, eta) }

// BinomialLogitLogProbs returns the terms of BinomialLogitLogProb.
func BinomialLogitLogProbs(y, n, eta any) Node { return binomialLogitDensity.each(y, n, eta) }

// PoissonLogLogProbs returns the terms of PoissonLogLogProb.
func PoissonLogLogProbs(y, eta any) Node { return poissonLogDensity.each(y, eta) }

// NegBinomialLogLogProbs returns the terms of NegBinomialLogLogProb.
func NegBinomialLogLogProbs(y, eta, phi any) Node { return negBinomialLogDensity.each(y, eta, phi) }

// eachRule is the rule of the elements of a density. Its work holds an element's
// first partial derivatives, operand by operand, and the parts that depend on data only.
func (d *density) eachRule() *rule {
	return &rule{name: d.name + "s", setup: d.setupEach, forward: d.forwardEach, backward: backwardEach, tangent: tangentEach, backward2: d.backward2Each}
}

func (d *density) each(operands ...any) Node {
	like := d.shape(d.name+"s", operands)
	t := like.t
	n := &t.nodes[like.i]
	size, needed := len(n.val), 1
	for _, j := range like.in {
		if j != none && t.nodes[j].needs {
			needed++
		}
	}
	return t.push(&spec{rule: d.elements, in: like.in, kind: n.kind, rows: int(n.rows), cols: int(n.cols), view: -1, work: needed * size})
}

func (d *density) setupEach(t *tape, n *node) {
	a, x := d.checkOperands(t, n)
	base := n.work[len(n.work)-a.n:]
	for i := range base {
		base[i] = 0
		if d.base != nil {
			a.element(x, i)
			base[i] = d.base(x)
		}
	}
}

func (d *density) forwardEach(t *tape, n *node) {
	a, x, p := &t.dens.args, &t.dens.x, &t.dens.p
	n.args(t, a, false)
	for k, j := range n.in {
		p.need[k] = j != none && t.nodes[j].needs && t.order > 0
	}
	size := len(n.val)
	base := n.work[len(n.work)-size:]
	for i := range n.val {
		a.element(x, i)
		n.val[i] = d.term(x, p, t.order) + base[i]
		w := n.work
		for k, need := range p.need {
			if need {
				w[i], w = p.g[k], w[size:]
			}
		}
	}
}

func backwardEach(t *tape, n *node) {
	w := n.work
	for _, j := range n.in {
		if j == none {
			return
		}
		if o := &t.nodes[j]; o.needs {
			s := o.step()
			for i, g := range n.adj {
				if g != 0 {
					o.adj[i*s] += g * w[i]
				}
			}
			w = w[len(n.val):]
		}
	}
}

func tangentEach(t *tape, n *node) {
	clear(n.dot)
	w := n.work
	for _, j := range n.in {
		if j == none {
			return
		}
		if o := &t.nodes[j]; o.needs {
			s := o.step()
			for i := range n.dot {
				if u := o.dot[i*s]; u != 0 {
					n.dot[i] += w[i] * u
				}
			}
			w = w[len(n.val):]
		}
	}
}

func (d *density) backward2Each(t *tape, n *node) {
	a, x, p := &t.dens.args, &t.dens.x, &t.dens.p
	*p = partials{}
	n.args(t, a, false)
	var u [4]float64
	for k, j := range n.in {
		p.need[k] = j != none && t.nodes[j].needs
	}
	size := len(n.val)
	for i, g := range n.adj {
		w := n.work
		for k, need := range p.need {
			if !need {
				continue
			}
			o := &t.nodes[n.in[k]]
			u[k] = o.dot[i*a.step[k]]
			if dg := n.dadj[i]; dg != 0 {
				o.dadj[i*a.step[k]] += dg * w[i]
			}
			w = w[size:]
		}
		if g == 0 {
			continue
		}
		a.element(x, i)
		d.term(x, p, 2)
		for k, need := range p.need {
			if need {
				t.nodes[n.in[k]].dadj[i*a.step[k]] += g * p.second(k, &u)
			}
		}
	}
}
