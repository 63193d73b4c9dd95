package expfam

// BetaPrime is the beta-prime distribution (Pearson's type VI) with α, β > 0 on
// x > 0, that of the odds y/(1−y) of a beta y,
//
//	p(x) = x^(α−1) (1+x)^(−α−β) / B(α, β),
//
// with T(x) = (log(x/(1+x)), −log(1+x)), η = (α − 1, β − 1),
// m = (ψ(α) − ψ(α+β), ψ(β) − ψ(α+β)), h = (1+x)^(−2) and A = log B(α, β). E[x] is
// infinite for β ≤ 1.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type BetaPrime struct{ mapped }

func newBetaPrime([]float64) (mapped, error) {
	return mapped{law: betaLaw{new(Beta)}, name: "beta-prime", power: 1, scale: 1}, nil
}

// NewBetaPrime returns a beta-prime distribution. It errs unless alpha and beta
// are between 1e-16 and 1e150.
func NewBetaPrime(alpha, beta float64) (*BetaPrime, error) {
	m, _ := newBetaPrime(nil)
	y, err := NewBeta(alpha, beta)
	if err != nil {
		return nil, m.relabel(err)
	}
	m.law = betaLaw{y}
	return &BetaPrime{m}, nil
}

// Alpha returns α.
func (b *BetaPrime) Alpha() float64 { return b.law.(betaLaw).Alpha() }

// Beta returns β.
func (b *BetaPrime) Beta() float64 { return b.law.(betaLaw).alpha[1] }

// Clone returns an independent copy.
func (b *BetaPrime) Clone() Dist { return &BetaPrime{b.copied()} }

// UnmarshalBinary restores a distribution bit for bit; damaged or foreign
// bytes are an error and leave the receiver unchanged.
func (b *BetaPrime) UnmarshalBinary(data []byte) error {
	return b.unmarshal(data, "beta-prime", nil, newBetaPrime)
}
