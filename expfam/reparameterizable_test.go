package expfam

var (
	_ = []Reparameterizable{
		(*Gamma)(nil), (*InverseGamma)(nil), (*Exponential)(nil), (*Beta)(nil), (*Dirichlet)(nil),
		(*Wishart)(nil), (*NormalGamma)(nil), (*NormalWishart)(nil), (*Product)(nil),
	}
	_ = []scorer{
		(*Gamma)(nil), (*InverseGamma)(nil), (*Exponential)(nil), (*Beta)(nil), (*Dirichlet)(nil),
		(*Wishart)(nil), (*NormalGamma)(nil), (*NormalWishart)(nil), (*Product)(nil),
		(*Normal)(nil), (*DiagNormal)(nil), (*NormalUV)(nil),
	}
)
