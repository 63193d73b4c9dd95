package la

import "math"

type float interface{ float32 | float64 }

// Functions on matrices of which every row has the length of one vector: the
// slice z holds len(z)/len(b) rows.

// AddRow adds b to every row of z.
func AddRow(z, b []float64) {
	if level >= AVX2 && len(b) > 0 && len(z) >= len(b) {
		addRow64AVX2(&z[0], &b[0], len(b), len(z)/len(b))
		return
	}
	addRow(z, b)
}

// AddRow32 is [AddRow] in single precision.
func AddRow32(z, b []float32) {
	if level >= AVX2 && len(b) > 0 && len(z) >= len(b) {
		addRow32AVX2(&z[0], &b[0], len(b), len(z)/len(b))
		return
	}
	addRow(z, b)
}

// AddRowReLU adds b to every row of z and takes the positive part; NaN stays.
func AddRowReLU(z, b []float64) {
	if level >= AVX2 && len(b) > 0 && len(z) >= len(b) {
		addRowReLU64AVX2(&z[0], &b[0], len(b), len(z)/len(b))
		return
	}
	addRowReLU(z, b)
}

// AddRowReLU32 is [AddRowReLU] in single precision.
func AddRowReLU32(z, b []float32) {
	if level >= AVX2 && len(b) > 0 && len(z) >= len(b) {
		addRowReLU32AVX2(&z[0], &b[0], len(b), len(z)/len(b))
		return
	}
	addRowReLU(z, b)
}

// MaskPositive sets dz to 0 where y is not positive.
func MaskPositive(dz, y []float64) {
	if level >= AVX2 && len(y) > 0 {
		_ = dz[len(y)-1]
		maskPositive64AVX2(&dz[0], &y[0], len(y))
		return
	}
	maskPositive(dz, y)
}

// MaskPositive32 is [MaskPositive] in single precision.
func MaskPositive32(dz, y []float32) {
	if level >= AVX2 && len(y) > 0 {
		_ = dz[len(y)-1]
		maskPositive32AVX2(&dz[0], &y[0], len(y))
		return
	}
	maskPositive(dz, y)
}

// AddSumRows adds alpha times the sum of the rows of z to dst, whose length is that of a row.
func AddSumRows(dst, z []float64, alpha float64) {
	if level >= AVX2 && len(dst) > 0 && len(z) >= len(dst) {
		addSumRows64AVX2(&dst[0], &z[0], len(dst), len(z)/len(dst), alpha)
		return
	}
	addSumRows(dst, z, alpha)
}

// AddSumRows32 is [AddSumRows] in single precision.
func AddSumRows32(dst, z []float32, alpha float32) {
	if level >= AVX2 && len(dst) > 0 && len(z) >= len(dst) {
		addSumRows32AVX2(&dst[0], &z[0], len(dst), len(z)/len(dst), alpha)
		return
	}
	addSumRows(dst, z, alpha)
}

// NormalCDF writes Φ(x) = ½ erfc(−x/√2).
func NormalCDF(dst, x []float64) {
	for i, v := range x {
		dst[i] = 0.5 * math.Erfc(-v*(1/math.Sqrt2))
	}
}

// NormalCDF32 is [NormalCDF] in single precision.
func NormalCDF32(dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(0.5 * math.Erfc(-float64(v)*(1/math.Sqrt2)))
	}
}

func addRow[T float](z, b []T) {
	for ; len(z) >= len(b) && len(b) > 0; z = z[len(b):] {
		row := z[:len(b)]
		for j, v := range b {
			row[j] += v
		}
	}
}

func addRowReLU[T float](z, b []T) {
	for ; len(z) >= len(b) && len(b) > 0; z = z[len(b):] {
		row := z[:len(b)]
		for j, v := range b {
			v += row[j]
			if v <= 0 { // NaN stays
				v = 0
			}
			row[j] = v
		}
	}
}

func maskPositive[T float](dz, y []T) {
	dz = dz[:len(y)]
	for i, v := range y {
		if !(v > 0) {
			dz[i] = 0
		}
	}
}

func addSumRows[T float](dst, z []T, alpha T) {
	for ; len(z) >= len(dst) && len(dst) > 0; z = z[len(dst):] {
		row := z[:len(dst)]
		for j, v := range row {
			dst[j] += T(alpha * v)
		}
	}
}

func square[T float](dst, x []T) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = v * v
	}
}
