package ladder

import (
	"testing"

	"github.com/natgrad/natgrad/vi"
)

// A notebook kernel renders outside of its recovery: what panics there ends it.
func TestRenderNothing(t *testing.T) {
	var none *Result
	for _, r := range []*Result{none, {}, {Chosen: -1}} {
		if text, ok := r.SimpleRender()["text/plain"].(string); !ok || text == "" {
			t.Errorf("%+v renders as %q", r, text)
		}
		if r.Grade() != vi.Bad {
			t.Errorf("%+v is graded %v", r, r.Grade())
		}
	}
}
