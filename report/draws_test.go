package report

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var oddNames = []string{"(Intercept)", "x:region[north]", "beta[1]", "beta[2]", "I(x^2)", "log(x)", "a,b", "a b", "a=b",
	`"quoted"`, "# comment", "50%", "%28", "seconds (Warm-up)", "inverse mass matrix:", "σ", "変数", "", "sigma__", "lp__",
	"gap[1]", "gap[3]", "1st", "new\nline", "\xff\xfe", "theta", "theta[1]", "mat[1,1]", "mat[2,1]", "mat[1,2]", "mat[2,2]"}

func TestColumnNames(t *testing.T) {
	want := []string{"Intercept", "x_region_north", "beta.1", "beta.2", "I_x_2", "log_x", "a_b", "a_b_2", "a_b_3",
		"quoted", "comment", "v50", "v28", "seconds_Warm_up", "inverse_mass_matrix", "σ", "変数", "v", "sigma", "lp",
		"gap_1", "gap_3", "v1st", "new_line", "v_2", "theta", "theta_1", "mat.1.1", "mat.2.1", "mat.1.2", "mat.2.2"}
	if got := ColumnNames(oddNames); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// Indices whose product overflows must not pass for a complete array.
	big := []string{"b[4294967296,4294967296]", "b[1,1]"}
	if got := ColumnNames(big); strings.Contains(got[0]+got[1], ".") {
		t.Errorf("an incomplete array was written as one: %q", got)
	}
	if got := ColumnNames([]string{"b[1]", "b!", "b[2]"}); !reflect.DeepEqual(got, []string{"b.1", "b_2", "b.2"}) {
		t.Errorf("a name collides with an array: %q", got)
	}
}

func exampleDraws(n, d int) (draws [][]float64, logp, logq []float64) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range n {
		x := make([]float64, d)
		for j := range x {
			x[j] = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(40)-20))
		}
		draws = append(draws, x)
		logp, logq = append(logp, -100*rng.Float64()), append(logq, rng.NormFloat64())
	}
	draws[0][0], draws[1][0], draws[2][0] = math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1
	logp[1] = math.Inf(-1)
	return draws, logp, logq
}

func TestDrawsRoundTrip(t *testing.T) {
	draws, logp, logq := exampleDraws(20, len(oddNames))
	mean := draws[7]
	for _, c := range []struct {
		name       string
		meta       DrawsMeta
		logp, logq []float64
	}{
		{"pathfinder", DrawsMeta{Model: "wells", Seed: math.MaxUint64, Chain: 3}, logp, logq},
		{"variational", DrawsMeta{Model: "wells", Seed: 1, Chain: 1, Layout: Variational, Mean: mean}, logp, logq},
		{"no densities", DrawsMeta{Model: "m", Chain: 1}, nil, nil},
		{"only logp", DrawsMeta{Model: "m", Chain: 1, Layout: Variational, Mean: mean}, logp, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var buf bytes.Buffer
			if err := WriteDraws(&buf, c.meta, oddNames, draws, c.logp, c.logq); err != nil {
				t.Fatal(err)
			}
			got, err := ReadDraws(&buf)
			if err != nil {
				t.Fatal(err)
			}
			want := &Draws{Meta: c.meta, Names: oddNames, Draws: draws, LogP: c.logp, LogQ: c.logq}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestDrawsReaders applies the rules by which ArviZ and cmdstanr take such files apart.
func TestDrawsReaders(t *testing.T) {
	draws, logp, logq := exampleDraws(5, len(oddNames))
	for _, layout := range []Layout{Pathfinder, Variational} {
		var buf bytes.Buffer
		if err := WriteDraws(&buf, DrawsMeta{Layout: layout, Mean: draws[0]}, oddNames, draws, logp, logq); err != nil {
			t.Fatal(err)
		}
		settings := map[string]string{}
		var head []string
		rows := 0
		for _, line := range strings.Split(strings.TrimSpace(buf.String()), "\n") {
			switch {
			case strings.HasPrefix(line, "#"):
				if strings.Contains(line, "natgrad") && strings.Contains(line, "column") {
					if regexp.MustCompile(`[=()"]|inverse mass|seconds `).MatchString(line) {
						t.Errorf("comment could be taken for a setting: %s", line)
					}
					continue
				}
				if kv := strings.Split(line[1:], "="); len(kv) == 2 {
					settings[strings.TrimSpace(kv[0])] = strings.TrimSpace(kv[1])
				}
			case head == nil:
				if !regexp.MustCompile(`^[a-zA-Z]`).MatchString(line) {
					t.Errorf("cmdstanr would not find the column names: %s", line)
				}
				head = strings.Split(line, ",")
			default:
				rows++
				if n := strings.Count(line, ",") + 1; n != len(head) {
					t.Fatalf("%d fields, want %d", n, len(head))
				}
			}
		}
		method, n, stats := "pathfinder", 5, []string{"lp_approx__", "lp__"}
		if layout == Variational {
			method, n, stats = "variational", 6, []string{"lp__", "log_p__", "log_g__"}
		}
		if settings["method"] != method || settings["id"] != "1" || rows != n {
			t.Errorf("method %q, id %q, %d rows; want %q, 1, %d", settings["method"], settings["id"], rows, method, n)
		}
		if !reflect.DeepEqual(head[:len(stats)], stats) {
			t.Errorf("first columns %q, want %q", head[:len(stats)], stats)
		}
		params := head[len(stats):]
		seen, dims := map[string]bool{}, map[string]int{}
		for _, c := range params {
			parts := strings.Split(c, ".")
			if seen[c] || strings.HasSuffix(c, "__") || strings.ContainsAny(c, " \"'#[](),") {
				t.Errorf("column %q is a duplicate or has characters that readers stumble over", c)
			}
			if d, ok := dims[parts[0]]; ok && d != len(parts) {
				t.Errorf("column %q does not have the dimensions of the others of its name", c)
			}
			seen[c], dims[parts[0]] = true, len(parts)
			for _, p := range parts[1:] {
				if k, err := strconv.Atoi(p); err != nil || k < 1 {
					t.Errorf("column %q: %q is not an index", c, p)
				}
			}
		}
		if len(params) != len(oddNames) {
			t.Errorf("%d parameter columns, want %d", len(params), len(oddNames))
		}
	}
}

func TestReadForeignDraws(t *testing.T) {
	const file = "# stan_version_major = 2\r\n# method = sample (Default)\r\n#   sample\r\n" +
		"lp__,accept_stat__,mu,theta.1,theta.2,m.1.2\r\n# Adaptation terminated\r\n-7.5,0.9,1,2,3,4\r\n-8,1,5,6,7,nan\r\n# Elapsed Time: 0.1 seconds (Warm-up)\r\n"
	d, err := ReadDraws(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"mu", "theta[1]", "theta[2]", "m[1,2]"}; !reflect.DeepEqual(d.Names, want) {
		t.Errorf("names %q, want %q", d.Names, want)
	}
	if want := []float64{-7.5, -8}; !reflect.DeepEqual(d.LogP, want) || d.LogQ != nil {
		t.Errorf("logp %v, logq %v, want %v, nil", d.LogP, d.LogQ, want)
	}
	if !reflect.DeepEqual(d.Draws[0], []float64{1, 2, 3, 4}) || !math.IsNaN(d.Draws[1][3]) {
		t.Errorf("draws %v", d.Draws)
	}
}

func TestReadDrawsErrors(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "line 0"},
		{"only comments", "# method = pathfinder\n", "no line with column names"},
		{"ragged", "lp__,a\n1,2\n1\n", "line 3: 1 fields, want 2"},
		{"text", "lp__,a\n1,two\n", `line 2: column a is "two"`},
		{"text in lp", "lp__,a\nx,2\n", `column lp__ is "x"`},
		{"unnamed", "lp__,,a\n", "column 2 has no name"},
		{"names missing", "# natgrad column 1 is a\nlp__,a,b\n", "2 columns are parameters"},
		{"names elsewhere", "# natgrad column 2 is a\nlp__,a\n", "do not name parameter 1"},
		{"bad escape", "# natgrad column 1 is %2\nlp__,a\n", "percent-encoded"},
		{"bad number", "# natgrad column 99999999999999999999 is a\nlp__,a\n", "column number"},
		{"no mean", "# method = variational\nlp__,log_p__,log_g__,a\n", "no first row"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadDraws(strings.NewReader(c.file))
			var de *DrawsError
			if c.name == "empty" {
				c.want = "no line with column names"
			}
			if !errors.As(err, &de) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want a *DrawsError with %q", err, c.want)
			}
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteDrawsErrors(t *testing.T) {
	ok := [][]float64{{1, 2}}
	for _, c := range []struct {
		name  string
		meta  DrawsMeta
		names []string
		draws [][]float64
		logp  []float64
		want  string
	}{
		{"duplicate", DrawsMeta{}, []string{"a", "a"}, ok, nil, `names[0] and names[1] are both "a"`},
		{"short row", DrawsMeta{}, []string{"a", "b"}, [][]float64{{1, 2}, {1}}, nil, "draws[1] has 1 elements, want 2"},
		{"NaN", DrawsMeta{}, []string{"a", "b"}, [][]float64{{1, math.NaN()}}, nil, "draws[0][1] (b) is NaN"},
		{"logp", DrawsMeta{}, []string{"a", "b"}, ok, []float64{1, 2}, "logp has 2 elements, want 1"},
		{"mean", DrawsMeta{Layout: Variational}, []string{"a", "b"}, ok, nil, "meta.Mean has 0 elements, want 2"},
		{"layout", DrawsMeta{Layout: 9}, []string{"a", "b"}, ok, nil, "meta.Layout is 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var buf bytes.Buffer
			err := WriteDraws(&buf, c.meta, c.names, c.draws, c.logp, nil)
			var de *DrawsError
			if !errors.As(err, &de) || !strings.Contains(err.Error(), c.want) || buf.Len() > 0 {
				t.Errorf("error %v and %d bytes, want a *DrawsError with %q and none", err, buf.Len(), c.want)
			}
		})
	}
	if err := WriteDraws(brokenWriter{}, DrawsMeta{}, []string{"a", "b"}, ok, nil, nil); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v, want the writer's", err)
	}
}

func FuzzReadDraws(f *testing.F) {
	var buf bytes.Buffer
	if err := WriteDraws(&buf, DrawsMeta{}, []string{"(Intercept)", "b[1]"}, [][]float64{{1, 2}}, []float64{3}, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add([]byte("# method = variational\nlp__,log_p__,log_g__,a.1.2\n0,0,0,1\n"))
	f.Add([]byte("#\n,\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ReadDraws(bytes.NewReader(b))
		if err != nil {
			return
		}
		for i, r := range d.Draws {
			if len(r) != len(d.Names) {
				t.Fatalf("draw %d has %d elements for %d names", i, len(r), len(d.Names))
			}
		}
	})
}

func BenchmarkWriteDraws(b *testing.B) {
	draws, logp, logq := exampleDraws(1000, len(oddNames))
	b.ReportAllocs()
	for b.Loop() {
		if err := WriteDraws(&bytes.Buffer{}, DrawsMeta{}, oddNames, draws, logp, logq); err != nil {
			b.Fatal(err)
		}
	}
}
