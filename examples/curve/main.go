// Curve fits a net to noisy points of a curve with a gap and draws what it
// believes at three stages of training: the band grows where there are no data and
// shrinks to the noise where there are.
//
//	go run ./examples/curve            numbers
//	go run ./examples/curve -update    also draws docs/uncertainty/curve.svg
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

func main() {
	update := flag.Bool("update", false, "draw the picture of docs/uncertainty")
	flag.Parse()
	r, err := run(os.Stdout)
	if err == nil && *update {
		err = r.picture().Save(filepath.Join("docs", "uncertainty", "curve.svg"))
	}
	if err != nil {
		log.Fatal(err)
	}
}

const noise = 0.1 // standard deviation of the points around the curve

func curve(x float64) float64 { return math.Sin(4*x) + 0.4*x }

// points are 60 points of the curve, none between −0.4 and 0.4.
func points() (*nn.Data, error) {
	rng := rand.New(rand.NewPCG(7, 7))
	var x, y []float64
	for range 60 {
		v := 0.4 + 0.8*rng.Float64()
		if rng.IntN(2) == 0 {
			v = -v
		}
		x, y = append(x, v), append(y, curve(v)+noise*rng.NormFloat64())
	}
	return nn.NewData(x, y, len(x))
}

// band is what the net believes on a grid after some epochs.
type band struct {
	epochs         int
	mean, fn, both []float64 // mean, sd of the function, sd of a new point
	gap, ends      float64   // mean sd of the function in the gap and where data are
	atData         float64   // mean sd of a new point where data are
	inside         float64   // share of the grid on which the curve is within two sds of the function
}

type result struct {
	data   *nn.Data
	grid   []float64
	stages []band
}

// epochs are the stages that are drawn; an epoch is one step here.
var epochs = []int{30, 300, 4000}

func run(w io.Writer) (*result, error) {
	ctx := context.Background()
	data, err := points()
	if err != nil {
		return nil, err
	}
	net, err := nn.New(nn.Gaussian{Precision: 1 / (noise * noise)}, nn.Vector(1), nn.Dense{Out: 50, Act: nn.Tanh}, nn.Dense{Out: 1})
	if err != nil {
		return nil, err
	}
	r := &result{data: data}
	for i := -80; i <= 80; i++ {
		r.grid = append(r.grid, float64(i)/50)
	}
	last := epochs[len(epochs)-1]
	weights := make([]float64, net.NumParams())
	net.Init(weights, rand.New(rand.NewPCG(1, 1)))
	// A prior of precision 0.3 lets 50 units bend as much as the curve does.
	opt, err := vadam.New(weights, &vadam.Settings{
		Method: vadam.IVON, N: data.Rows, PriorPrec: 0.3, Rate: 0.1, Beta2: 0.997, Draws: 4, Antithetic: true,
		ClipRadius: 0.2, Seed: 1, RateAt: vadam.CosineRate(20, last+1),
	})
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(w, "steps   sd of the function: gap, data   sd of the points (noise 0.10)   curve within 2 sds")
	var at nn.Position
	for _, e := range epochs {
		if at, err = nn.Train(ctx, net, data, opt, &nn.TrainSettings{Epochs: e, Batch: data.Rows, Seed: 1, Start: at}); err != nil {
			return nil, err
		}
		q, err := opt.NetPosterior(net.Params())
		if err != nil {
			return nil, err
		}
		b, err := r.look(ctx, q, net, e)
		if err != nil {
			return nil, err
		}
		r.stages = append(r.stages, b)
		fmt.Fprintf(w, "%5d %24.2f, %.2f %26.2f %27.0f %%\n", e, b.gap, b.ends, b.atData, 100*b.inside)
	}
	return r, nil
}

// look predicts on the grid.
func (r *result) look(ctx context.Context, q *vadam.Posterior, net *nn.Net, epochs int) (band, error) {
	p, err := q.Predict(ctx, net, r.grid, &vadam.PredictSettings{Draws: 400, Seed: 3})
	if err != nil {
		return band{}, err
	}
	b := band{epochs: epochs, mean: p.Mean, both: p.SD}
	gap, ends, inside := 0, 0, 0
	for i, x := range r.grid {
		sd := math.Sqrt(p.Epistemic[i])
		b.fn = append(b.fn, sd)
		switch a := math.Abs(x); {
		case a < 0.25:
			gap++
			b.gap += sd
		case a > 0.5 && a < 1.1:
			ends++
			b.ends += sd
			b.atData += p.SD[i]
		}
		if math.Abs(x) <= 1.2 && math.Abs(p.Mean[i]-curve(x)) < 2*sd {
			inside++
		}
	}
	b.gap /= float64(gap)
	b.ends /= float64(ends)
	b.atData /= float64(ends)
	b.inside = float64(inside) / 121 // grid points from −1.2 to 1.2
	return b, nil
}
