package probe

import "github.com/secretguard/secretguard/internal/credential"

// Shape is a probe as far as a test needs it.
type Shape struct {
	Name, Call, Form, Docs string
	Kind                   credential.Kind
	fits                   func(string) bool
}

// Fits tells whether a value has the probe's form.
func (s Shape) Fits(kind credential.Kind, value string) bool { return s.Kind == kind && s.fits(value) }

// Shapes lists all probes.
func Shapes() []Shape {
	var out []Shape
	for _, p := range table() {
		out = append(out, Shape{p.name, p.call, p.form.String(), p.docs, p.kind, p.form.MatchString})
	}
	return out
}
