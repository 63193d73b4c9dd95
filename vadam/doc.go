// Package vadam trains a model and its uncertainty at about the price of Adam:
// variational inference for weights w with q(w) = N(μ, diag(σ²)) by gradients at
// perturbed weights (Khan et al. 2018, "Fast and scalable Bayesian deep learning by
// weight-perturbation in Adam"; Shen et al. 2024, "Variational learning is effective
// for large deep networks").
//
// All methods lower N·E_q[l̄(w)] + KL(q‖p), l̄ the mean negative log-likelihood of
// the N examples and p the prior N(0, 1/λ), by the same natural-gradient step on one
// state (μ, s, m), in which s estimates the curvature of l̄ and the precision
// of q is 1/σ² = N s + λ:
//
//	w_k = μ + σε_k,   k = 1, …, S             the same minibatch for all draws
//	g   = (1/S) Σ_k (gradient of l̄ at w_k)
//	s   ← s + ρ(curvature − s)
//	μ   ← μ − α (g + λμ/N)/(s + λ/N)
//
// With the exact curvature and α = ρ that is the natural gradient (VON). The others
// estimate the curvature from what a backward pass gives, choose α and ρ
// apart, and add momentum; those named after Adam put √s in place of s in the step
// of μ. See [Method] for each.
//
// An [Optimizer] moves any flat weight vector whose gradients a callback gives. It
// holds no random state: the noise of a step is a function of the seed and the
// step's number, so that a saved run goes on bit for bit.
package vadam
