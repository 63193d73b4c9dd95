package mixture

import (
	"fmt"
	"strings"
)

// String lists weight and state of the components, one a line, for logs and notebooks.
// Components that have a String method write themselves, others their type.
func (m *Mixture) String() string {
	if m == nil || len(m.comps) == 0 {
		return "mixture(no components)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "mixture of %d in %d dimensions", m.K(), m.Dim())
	for c, w := range m.Weights(nil) {
		fmt.Fprintf(&b, "\n%6.4f ", w)
		if s, ok := m.Component(c).(fmt.Stringer); ok {
			b.WriteString(s.String())
		} else {
			fmt.Fprintf(&b, "%T", m.Component(c))
		}
	}
	return b.String()
}
