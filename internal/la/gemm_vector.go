//go:build amd64 && gc && !purego

package la

import "unsafe"

const (
	// packBytes holds the part of B that is packed at a time: 16 columns of
	// gemmBlock doubles, the size of a first-level cache.
	packBytes = 32 << 10
	// The layers of small nets need less, which is sooner zeroed.
	packSmall, packTiny = 8 << 10, 2 << 10
	// Rows of A and bytes between rows of B from which on B is packed.
	packRows, packStride = 32, 4096
	// packedRows are the rows of A for which a packed part of B is used: their
	// blocks stay in a second-level cache.
	packedRows = 192
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
	switch bytes := min(k, gemmBlock) * n * int(unsafe.Sizeof(alpha)); {
	case !tb && !p.packPays():
		p.direct()
	case bytes <= packTiny:
		p.tiny()
	case bytes <= packSmall:
		p.small()
	default:
		p.large()
	}
	return true
}

// packPays tells whether packing a B with contiguous rows saves more than it
// costs: when its rows lie on different pages, and in few sets of the cache.
func (p *product[T]) packPays() bool {
	return p.m >= packRows && p.ldb*int(unsafe.Sizeof(p.alpha)) >= packStride
}

// direct reads B where it is.
func (p *product[T]) direct() {
	for k := 0; k < p.k; k += gemmBlock {
		tiled(p.m, p.n, min(gemmBlock, p.k-k), p.alpha, &p.a[k*p.acs], p.ars, p.acs, &p.b[k*p.ldb], p.ldb, &p.c[0], p.ldc, p.add || k > 0)
	}
}

func (p *product[T]) tiny() {
	var buf [packTiny / 8]float64
	p.packed(elements[T](&buf[0], packTiny))
}

func (p *product[T]) small() {
	var buf [packSmall / 8]float64
	p.packed(elements[T](&buf[0], packSmall))
}

func (p *product[T]) large() {
	var buf [packBytes / 8]float64
	p.packed(elements[T](&buf[0], packBytes))
}

// elements is a buffer of bytes as a slice.
func elements[T float32 | float64](buf *float64, bytes int) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(buf)), bytes/int(unsafe.Sizeof(t)))
}

// packed copies op(B) to buf, as many columns of a block as it holds, for a part
// of the rows of A that stays in the second-level cache.
func (p *product[T]) packed(buf []T) {
	tile := tileColumns[T]()
	for k := 0; k < p.k; k += gemmBlock {
		kb := min(gemmBlock, p.k-k)
		wide := len(buf) / kb
		if wide < p.n {
			wide -= wide % tile
		}
		for i := 0; i < p.m; i += packedRows {
			h := min(packedRows, p.m-i)
			for j := 0; j < p.n; j += wide {
				w := min(wide, p.n-j)
				if p.tb {
					packTransposed(buf, w, p.b[j*p.ldb+k:], p.ldb, w, kb)
				} else {
					copyRows(buf, p.b[k*p.ldb+j:], p.ldb, kb, w)
				}
				tiled(h, w, kb, p.alpha, &p.a[i*p.ars+k*p.acs], p.ars, p.acs, &buf[0], w, &p.c[i*p.ldc+j], p.ldc, p.add || k > 0)
			}
		}
	}
}

// copyRows sets dst to the rows × cols matrix src without gaps.
func copyRows[T float32 | float64](dst, src []T, lds, rows, cols int) {
	for i := range rows {
		copy(dst[i*cols:][:cols], src[i*lds:])
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
	if rows < 4 || cols < 4 {
		for i := range rows {
			for j, v := range src[i*lds:][:cols] {
				dst[j*ldd+i] = v
			}
		}
		return
	}
	_, _ = dst[(cols-1)*ldd+rows-1], src[(rows-1)*lds+cols-1]
	r, c := rows&^3, cols&^3
	packFours(dst, ldd, src, lds, r, c)
	// The last blocks overlap the ones before.
	if c < cols {
		packFours(dst[(cols-4)*ldd:], ldd, src[cols-4:], lds, r, 4)
	}
	if r < rows {
		dst, src = dst[rows-4:], src[(rows-4)*lds:]
		packFours(dst, ldd, src, lds, 4, c)
		if c < cols {
			packFours(dst[(cols-4)*ldd:], ldd, src[cols-4:], lds, 4, 4)
		}
	}
}

// packFours is packTransposed for rows and cols divisible by 4.
func packFours[T float32 | float64](dst []T, ldd int, src []T, lds, rows, cols int) {
	d, s := unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0])
	if unsafe.Sizeof(dst[0]) == 8 {
		packTrans64((*float64)(d), ldd, (*float64)(s), lds, rows, cols)
	} else {
		packTrans32((*float32)(d), ldd, (*float32)(s), lds, rows, cols)
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
