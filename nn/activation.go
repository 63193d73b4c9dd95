package nn

// act applies an activation and multiplies by its derivative.
type act[T float] struct {
	kind Activation
	o    *ops[T]
	z    []T // of the last forward pass, for GELU
	tmp  []T
	cdf  []T
}

// apply turns z into act(z), in place.
func (a *act[T]) apply(y []T) {
	switch a.kind {
	case ReLU:
		for i, v := range y {
			if v <= 0 { // NaN stays
				y[i] = 0
			}
		}
	case Tanh:
		a.o.tanh(y, y)
	case Sigmoid:
		a.o.sigmoid(y, y)
	case Softplus:
		a.o.softp(y, y)
	case GELU:
		a.z, a.tmp = grow(a.z, len(y)), grow(a.tmp, len(y))
		copy(a.z, y)
		a.o.normCDF(a.tmp, y)
		for i, c := range a.tmp {
			y[i] *= c
		}
	}
}

// chain multiplies dz by act'(z); y = act(z).
func (a *act[T]) chain(dz, y []T) {
	switch a.kind {
	case ReLU:
		a.o.mask(dz, y)
	case Tanh:
		for i, v := range y {
			dz[i] *= 1 - v*v
		}
	case Sigmoid:
		for i, v := range y {
			dz[i] *= v * (1 - v)
		}
	case Softplus: // act' = sigmoid(z) = 1 − e^−y
		a.tmp = grow(a.tmp, len(y))
		for i, v := range y {
			a.tmp[i] = -v
		}
		a.o.exp(a.tmp, a.tmp)
		for i, e := range a.tmp {
			dz[i] *= 1 - e
		}
	case GELU: // Φ(z) + zφ(z)
		const invSqrt2Pi = 0.39894228040143267793994605993438
		z := a.z[:len(y)]
		a.tmp, a.cdf = grow(a.tmp, len(y)), grow(a.cdf, len(y))
		for i, v := range z {
			a.tmp[i] = -0.5 * v * v
		}
		a.o.exp(a.tmp, a.tmp)
		a.o.normCDF(a.cdf, z)
		for i, v := range z {
			dz[i] *= a.cdf[i] + v*a.tmp[i]*invSqrt2Pi
		}
	}
}
