package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/natgrad/natgrad/metrics"
	"github.com/natgrad/natgrad/vadam"
)

func num(k string, d float64) float64 {
	if v, err := strconv.ParseFloat(os.Getenv(k), 64); err == nil {
		return v
	}
	return d
}

func TestTry(t *testing.T) {
	d, err := load("../../testdata/uci", os.Getenv("SET"))
	if err != nil {
		t.Fatal(err)
	}
	rateIVON, rateVOGN, curvature0 = num("RATE", 0.02), num("RATE", 0.02), num("H0", 0.1)
	for m := vadam.Method(0); m <= vadam.Adam; m++ {
		if !strings.EqualFold(m.String(), os.Getenv("METHOD")) {
			continue
		}
		var a [4][]float64
		start := time.Now()
		for k := range int(num("SPLITS", 3)) {
			p, test := d.split(k)
			o, err := fit(context.Background(), p, config{method: m, tau: num("TAU", 20), lambda: num("LAM", 5), cold: num("COLD", 1), epochs: int(num("EPOCHS", 40)), batch: int(num("BATCH", 32)), draws: int(num("DRAWS", 1)), members: int(num("MEMBERS", 1)), seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			s, err := o.score(p.sy, test.X, test.Y, 100, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range []float64{s.RMSE, s.Joint, s.Pointwise, s.Coverage} {
				a[i] = append(a[i], v)
			}
		}
		for _, v := range a {
			m, se, _ := metrics.MeanSE(v)
			fmt.Printf("%8.3f ± %.3f", m, se)
		}
		fmt.Println("  ", time.Since(start))
	}
}
