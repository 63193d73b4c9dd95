package expfam

var (
	_ = []Reparameterizable{
		(*InverseWishart)(nil), (*NormalInverseWishart)(nil), (*MatrixNormal)(nil), (*VonMisesFisher)(nil), (*StickBreaking)(nil),
	}
	_ = []scorer{
		(*InverseWishart)(nil), (*NormalInverseWishart)(nil), (*MatrixNormal)(nil), (*VonMisesFisher)(nil), (*StickBreaking)(nil),
	}
)
