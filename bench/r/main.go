// Command r writes the data of the benchmarks for glm.R: for every set a file
// NAME.bin of little-endian float64 values, column after column, and a file
// NAME.txt with the family in its first line and a column name in each further one.
//
//	go run ./bench/r -o DIR
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/natgrad/natgrad/internal/benchdata"
)

func main() {
	out := flag.String("o", "", "folder to write to; made if it does not exist")
	src := flag.String("posteriordb", filepath.Join("glm", "testdata", "posteriordb"), "folder of the posteriordb problems")
	flag.Parse()
	if *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out, *src); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out, src string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, s := range []struct{ n, d int }{{1_000, 10}, {100_000, 10}, {100_000, 50}} {
		names, columns := benchdata.Logistic(s.n, s.d)
		if err := write(out, fmt.Sprintf("n=%d,d=%d", s.n, s.d), "binomial", names, columns); err != nil {
			return err
		}
	}
	for name, family := range map[string]string{"wells-interaction_c": "binomial", "kidiq-kidscore_interaction": "gaussian"} {
		names, columns, err := posterior(filepath.Join(src, name, "data.json"))
		if err != nil {
			return err
		}
		if err := write(out, name, family, names, columns); err != nil {
			return err
		}
	}
	return nil
}

// posterior reads a problem whose first column is the constant, and leaves
// that out.
func posterior(file string) (names []string, columns [][]float64, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var d struct {
		X [][]float64
		Y []float64
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(d.X) == 0 || len(d.X) != len(d.Y) {
		return nil, nil, fmt.Errorf("%s: %d rows of X and %d of y", file, len(d.X), len(d.Y))
	}
	for j := 1; j < len(d.X[0]); j++ {
		c := make([]float64, len(d.X))
		for i, row := range d.X {
			c[i] = row[j]
		}
		names, columns = append(names, fmt.Sprintf("c%d", j+1)), append(columns, c)
	}
	return append(names, "y"), append(columns, d.Y), nil
}

func write(dir, name, family string, names []string, columns [][]float64) error {
	var b bytes.Buffer
	for _, c := range columns {
		if err := binary.Write(&b, binary.LittleEndian, c); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, name+".bin"), b.Bytes(), 0o644); err != nil {
		return err
	}
	text := family + "\n" + strings.Join(names, "\n") + "\n"
	return os.WriteFile(filepath.Join(dir, name+".txt"), []byte(text), 0o644)
}
