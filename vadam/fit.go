package vadam

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/nn"
)

// FitSettings are the settings of [Fit]. The zero value trains with IVON, for
// about 10⁴ steps in 20 to 200 epochs, or as many more as make 2000 steps.
type FitSettings struct {
	// Optimizer chooses the method and its numbers. N, Seed and Groups are filled in if
	// unset, and where a number is unset Fit takes one for small nets in place of
	// the method's default for large ones:
	//
	//	IVON, VON, VOGN, MomentumVOGN   Rate 0.1, Beta1 0.9, InitCurvature 1
	//	IVON also                       ClipRadius 0.2, Draws 2
	//	Vadam, Vprop, VadamSum, Adam    Rate 0.01
	//	all but Adam                    Beta2 = 1 − 10/steps
	//	RateAt                          CosineRate over all steps, the first 20th rising
	//
	// so that the curvature forgets its start by e⁻¹⁰ and the mean comes to rest. These
	// gave the highest ELBO for nets of 50 hidden units on the UCI sets yacht, energy and
	// boston and on two moons, among rates of 0.03 to 0.3, initial curvatures of 0.05
	// to 3, 5 to 20 in place of the 10, and clip radii from 0.1 to none, without which
	// twice the rate diverged.
	// VadaGrad and VadamVO, which know no data, are refused.
	Optimizer Settings

	Epochs, Batch int    // defaults: see above, and 32 or all rows if fewer
	Seed          uint64 // of the first weights, the order of the rows, and the noise if Optimizer.Seed is 0
	Workers       int    // for sums over more than 256 rows; results do not depend on it
	// Standardise gives every column of the inputs mean 0 and sd 1, and of the
	// targets too if the loss is nn.Gaussian or nn.StudentT, whose precision or scale then
	// is that of the standardised targets. Predictions are in the original units.
	Standardise bool
	// Start is the mean of the weights at the start, by default the net's Init.
	Start []float64

	Progress   func(EpochRecord)  // called after every epoch
	Checkpoint func(state []byte) // called after every epoch with the state that Resume takes
	// Resume goes on from a state that Checkpoint or Result.State gave, with the
	// same data and settings: the result is the same, bit for bit, as without a break.
	Resume []byte
}

// EpochRecord is a line of the trace of a fit.
type EpochRecord struct {
	Epoch, Epochs int     // epochs done, of how many
	Steps         int     // steps since the start
	Loss          float64 // mean negative log-likelihood of a row in this epoch, at the perturbed weights
	Clipped       float64 // share of the weights' moves that IVON clipped
	MedianSD      float64 // of the weights
}

// Fit trains the net on d and returns the posterior of its weights with a verdict
// on the fit (see [Result]). Neither net nor d is changed.
//
// It errs if settings and data do not fit together. If the context ends or a step
// fails it returns what there is by then, with an error: the context's or a *[StepError].
func Fit(ctx context.Context, net *nn.Net, d *nn.Data, s *FitSettings) (*Result, error) {
	p, err := newPlan(net.In(), net.Targets(), net.Loss(), net.Params(), d, s)
	if err != nil {
		return nil, err
	}
	f := &fit[float64]{plan: p, net: net.Clone(), x: p.data.X, y: p.data.Y}
	o, err := New(f.start(), &p.set.Optimizer)
	if err != nil {
		return nil, err
	}
	f.net.SetWorkers(max(1, p.set.Workers))
	f.opt = o
	return f.run(func(t *nn.TrainSettings) (nn.Position, error) {
		return nn.Train(ctx, f.net.(*nn.Net), p.data, o, t)
	}, ctx)
}

// Fit32 is [Fit] in single precision, for larger nets. The posterior is in double
// precision; predict from it with nn.New of the same loss and layers.
func Fit32(ctx context.Context, net *nn.Net32, d *nn.Data, s *FitSettings) (*Result, error) {
	p, err := newPlan(net.In(), net.Targets(), net.Loss(), net.Params(), d, s)
	if err != nil {
		return nil, err
	}
	data := p.data.Float32()
	f := &fit[float32]{plan: p, net: net.Clone(), x: data.X, y: data.Y}
	o, err := New32(f.start(), &p.set.Optimizer)
	if err != nil {
		return nil, err
	}
	f.net.SetWorkers(max(1, p.set.Workers))
	f.opt = o
	return f.run(func(t *nn.TrainSettings) (nn.Position, error) {
		return nn.Train32(ctx, f.net.(*nn.Net32), data, o, t)
	}, ctx)
}

// trainable is *nn.Net and *nn.Net32.
type trainable[T float] interface {
	NumParams() int
	SetWorkers(int)
	Init(w []T, rng *rand.Rand)
	Grad(grad, w, x, y []T) (T, error)
}

// optimizer is *Optimizer and *Optimizer32.
type optimizer[T float] interface {
	Steps() int
	NetPosterior(params []nn.Param) (*Posterior, error)
	Settings() Settings
	Loss() float64
	Clipped() int
	SDRange() (smallest, median, largest float64)
	MarshalBinary() ([]byte, error)
	UnmarshalBinary([]byte) error
}

// plan is a fit before anything has been computed.
type plan struct {
	set             FitSettings // with defaults in place
	data            *nn.Data    // as the net sees it
	params          []nn.Param
	inputs, targets *nn.Scaler
	steps           int // of the whole fit
}

func fitError(param string, index int, value float64, want string) error {
	return &expfam.DomainError{Family: "vadam", Func: "Fit", Param: param, Index: index, Value: value, Want: want}
}

func newPlan(in, targets int, loss nn.Loss, params []nn.Param, d *nn.Data, s *FitSettings) (*plan, error) {
	p := &plan{data: d, params: params}
	if s != nil {
		p.set = *s
	}
	if d == nil || d.Rows < 1 {
		return nil, fitError("rows of the data", -1, 0, ">= 1")
	}
	if d.In() != in || d.NumTargets() != targets {
		return nil, fitError("columns of the data", -1, float64(d.In()+d.NumTargets()),
			fmt.Sprintf("%d inputs and %d targets, as the net has, not %d and %d", in, targets, d.In(), d.NumTargets()))
	}
	set := &p.set
	if set.Batch == 0 {
		set.Batch = min(32, d.Rows)
	}
	switch {
	case set.Batch < 0 || set.Batch > d.Rows:
		return nil, fitError("Batch", -1, float64(set.Batch), fmt.Sprintf("between 1 and the %d rows, or 0", d.Rows))
	case set.Epochs < 0:
		return nil, fitError("Epochs", -1, float64(set.Epochs), ">= 1, or 0 for the default")
	case set.Workers < 0:
		return nil, fitError("Workers", -1, float64(set.Workers), ">= 1, or 0 for 1")
	}
	batches := (d.Rows + set.Batch - 1) / set.Batch
	if set.Epochs == 0 {
		set.Epochs = max(min(200, max(20, 10000/batches)), (2000+batches-1)/batches)
	}
	p.steps = set.Epochs * batches

	n := 0
	for _, q := range params {
		n += q.Len()
	}
	if set.Start != nil && len(set.Start) != n {
		panicLen("Fit", "Start", len(set.Start), n)
	}
	if set.Standardise {
		p.standardise(loss)
	}
	return p, p.optimizer()
}

// standardise replaces the data by standardised ones.
func (p *plan) standardise(loss nn.Loss) {
	d := *p.data
	p.inputs = nn.NewScaler(d.X, d.In())
	d.X = p.inputs.Apply(nil, d.X)
	if o := newObservation(loss); o.scaled() {
		p.targets = nn.NewScaler(d.Y, d.NumTargets())
		d.Y = p.targets.Apply(nil, d.Y)
	}
	p.data = &d
}

// optimizer fills in the settings of the optimiser.
func (p *plan) optimizer() error {
	o := &p.set.Optimizer
	if o.Method == VadaGrad || o.Method == VadamVO {
		return fitError("Optimizer.Method", -1, float64(o.Method), "a method for data: "+o.Method.String()+" minimises a function")
	}
	if o.N == 0 {
		o.N = p.data.Rows
	}
	if o.N != p.data.Rows {
		return fitError("Optimizer.N", -1, float64(o.N), fmt.Sprintf("%d, the rows of the data, or 0 (ESS weighs them otherwise)", p.data.Rows))
	}
	if o.Seed == 0 {
		o.Seed = p.set.Seed
	}
	if o.Groups == nil {
		for _, q := range p.params {
			o.Groups = append(o.Groups, Group{Name: q.Name, Lo: q.Offset, Hi: q.Offset + q.Len()})
		}
	}
	if o.RateAt == nil {
		o.RateAt = CosineRate(p.steps/20, p.steps)
	}
	unset := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	if o.Method != Adam && o.CurvatureRateAt == nil {
		unset(&o.Beta2, max(1-10/float64(p.steps), 0.5))
	}
	switch o.Method {
	case IVON, VON, VOGN, MomentumVOGN:
		unset(&o.Rate, 0.1)
		unset(&o.Beta1, 0.9)
		if o.InitPrec == 0 {
			unset(&o.InitCurvature, 1)
		}
	default:
		unset(&o.Rate, 0.01)
	}
	if o.Method == IVON {
		unset(&o.ClipRadius, 0.2)
		if o.Draws == 0 {
			o.Draws = 2
		}
	}
	return nil
}

// fit is a fit under way.
type fit[T float] struct {
	*plan
	net  trainable[T]
	opt  optimizer[T]
	x, y []T
	at   nn.Position
	trace
}

// trace is the history, and the sums of the epoch under way.
type trace struct {
	records       []EpochRecord
	rows, clipped int
	loss          float64
}

func (f *fit[T]) start() []T {
	w := make([]T, f.net.NumParams())
	if f.set.Start == nil {
		f.net.Init(w, rand.New(rand.NewPCG(f.set.Seed, 0x696e6974)))
		return w
	}
	for i, v := range f.set.Start {
		w[i] = T(v)
	}
	return w
}

func (f *fit[T]) run(train func(*nn.TrainSettings) (nn.Position, error), ctx context.Context) (*Result, error) {
	if f.set.Resume != nil {
		if err := f.restore(f.set.Resume); err != nil {
			return nil, err
		}
	}
	_, err := train(&nn.TrainSettings{Epochs: f.set.Epochs, Batch: f.set.Batch, Seed: f.set.Seed, Start: f.at, Progress: f.seen})
	r, finishErr := f.result(ctx, err)
	if err == nil {
		err = finishErr
	}
	return r, err
}

// seen keeps the history.
func (f *fit[T]) seen(r nn.TrainRecord) {
	batch := r.Batch // of the step that was taken, from 1
	if batch == 0 {
		batch = r.Batches
	}
	rows := min(f.set.Batch, f.data.Rows-(batch-1)*f.set.Batch)
	f.rows += rows
	f.loss += float64(rows) * f.opt.Loss()
	f.clipped += f.opt.Clipped()
	f.at = r.Position
	if r.Batch != 0 {
		return
	}
	_, sd, _ := f.opt.SDRange()
	rec := EpochRecord{r.Epoch, r.Epochs, r.Step, f.loss / float64(f.rows), float64(f.clipped) / float64(r.Batches*f.net.NumParams()), sd}
	f.records = append(f.records, rec)
	f.rows, f.loss, f.clipped = 0, 0, 0
	if f.set.Progress != nil {
		f.set.Progress(rec)
	}
	if f.set.Checkpoint != nil {
		f.set.Checkpoint(f.state())
	}
}

// posterior is q as the optimiser has it.
func (f *fit[T]) posterior() (*Posterior, error) {
	q, err := f.opt.NetPosterior(f.params)
	if err != nil {
		return nil, err
	}
	q.Inputs, q.Targets = f.inputs, f.targets
	q.InputNames, q.TargetNames = f.data.Inputs, f.data.Targets
	return q, nil
}

// finite says whether x is a number.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
