//go:build amd64 && gc && !purego

package la

import "unsafe"

const (
	// packBytes holds the part of B that is packed at a time: 16 columns of
	// gemmBlock doubles, the size of a first-level cache.
	packBytes = 32 << 10
	// packSmall is enough for the layers of small nets, and sooner zeroed.
	packSmall = 4 << 10
)

// product is C += alpha·A·op(B) with any strides of A.
type product[T float32 | float64] struct {
	m, n, k  int
	alpha    T
	a        []T
	ars, acs int
	b        []T
	ldb      int
	tb       bool
	c        []T
	ldc      int
	add      bool // else the first block of products replaces C
}

// gemm is [Gemm] by vector kernels. It reports whether there are any.
func gemm[T float32 | float64](ta, tb bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) bool {
	if level == Portable {
		return false
	}
	if m == 0 || n == 0 {
		return true
	}
	if k == 0 || alpha == 0 {
		scaleMatrix(m, n, beta, c, ldc)
		return true
	}
	if beta != 0 {
		scaleMatrix(m, n, beta, c, ldc)
	}
	p := product[T]{m, n, k, alpha, a, lda, 1, b, ldb, tb, c, ldc, beta != 0}
	if ta {
		p.ars, p.acs = 1, lda
	}
	switch size := int(unsafe.Sizeof(alpha)); {
	case !tb && !p.packPays():
		p.direct()
	case min(k, gemmBlock)*n*size <= packSmall:
		p.small()
	default:
		p.large()
	}
	return true
}

var tune = 0

func (p *product[T]) packPays() bool {
	return tune > 0 && p.m >= tune
}

// direct reads B where it is.
func (p *product[T]) direct() {
	for k := 0; k < p.k; k += gemmBlock {
		tiled(p.m, p.n, min(gemmBlock, p.k-k), p.alpha, &p.a[k*p.acs], p.ars, p.acs, &p.b[k*p.ldb], p.ldb, &p.c[0], p.ldc, p.add || k > 0)
	}
}

func (p *product[T]) small() {
	var buf [packSmall / 4]T
	p.packed(buf[:packSmall/unsafe.Sizeof(buf[0])])
}

func (p *product[T]) large() {
	var buf [packBytes / 4]T
	p.packed(buf[:packBytes/unsafe.Sizeof(buf[0])])
}

// packed copies op(B) to buf, as many columns of a block as it holds.
func (p *product[T]) packed(buf []T) {
	tile := tileColumns[T]()
	for k := 0; k < p.k; k += gemmBlock {
		kb := min(gemmBlock, p.k-k)
		wide := len(buf) / kb
		if wide < p.n {
			wide -= wide % tile
		}
		for j := 0; j < p.n; j += wide {
			w := min(wide, p.n-j)
			if p.tb {
				packTransposed(buf, w, p.b[j*p.ldb+k:], p.ldb, w, kb)
			} else {
				for i := range kb {
					copy(buf[i*w:][:w], p.b[(k+i)*p.ldb+j:])
				}
			}
			tiled(p.m, w, kb, p.alpha, &p.a[k*p.acs], p.ars, p.acs, &buf[0], w, &p.c[j], p.ldc, p.add || k > 0)
		}
	}
}

// tileColumns is the number of columns of a tile.
func tileColumns[T float32 | float64]() int {
	var t T
	if level == AVX512 {
		return 128 / int(unsafe.Sizeof(t))
	}
	return 96 / int(unsafe.Sizeof(t))
}

// packTransposed sets dst, cols × rows, to the transpose of src, rows × cols.
func packTransposed[T float32 | float64](dst []T, ldd int, src []T, lds, rows, cols int) {
	r, c := rows&^3, cols&^3
	if r > 0 && c > 0 {
		_, _ = dst[(cols-1)*ldd+rows-1], src[(rows-1)*lds+cols-1]
		d, s := unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0])
		if unsafe.Sizeof(dst[0]) == 8 {
			packTrans64((*float64)(d), ldd, (*float64)(s), lds, r, c)
		} else {
			packTrans32((*float32)(d), ldd, (*float32)(s), lds, r, c)
		}
	}
	for i := range rows {
		lo := c
		if i >= r {
			lo = 0
		}
		for j, v := range src[i*lds:][:cols][lo:] {
			dst[(lo+j)*ldd+i] = v
		}
	}
}

// tiled calls the kernel of the type and of the level.
func tiled[T float32 | float64](m, n, k int, alpha T, a *T, ars, acs int, b *T, ldb int, c *T, ldc int, add bool) {
	pa, pb, pc := unsafe.Pointer(a), unsafe.Pointer(b), unsafe.Pointer(c)
	switch double := unsafe.Sizeof(alpha) == 8; {
	case double && level == AVX512:
		gemm64AVX512(m, n, k, float64(alpha), (*float64)(pa), ars, acs, (*float64)(pb), ldb, (*float64)(pc), ldc, add)
	case double:
		gemm64AVX2(m, n, k, float64(alpha), (*float64)(pa), ars, acs, (*float64)(pb), ldb, (*float64)(pc), ldc, add)
	case level == AVX512:
		gemm32AVX512(m, n, k, float32(alpha), (*float32)(pa), ars, acs, (*float32)(pb), ldb, (*float32)(pc), ldc, add)
	default:
		gemm32AVX2(m, n, k, float32(alpha), (*float32)(pa), ars, acs, (*float32)(pb), ldb, (*float32)(pc), ldc, add)
	}
}
