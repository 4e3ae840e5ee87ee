package export

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/secretguard/secretguard/internal/report/document"
)

// The names are those that CI servers agree on; there is no standard.
type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     float64     `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a failed test for each finding, one with an error when not
// everything was read, and one that passed when there is nothing to say.
func writeJUnit(w io.Writer, d document.Scan) error {
	s := junitSuite{Name: "secretguard", Time: float64(d.Stats.DurationMS) / 1000}
	for _, f := range active(d) {
		s.Failures++
		s.Cases = append(s.Cases, junitCase{
			Name: clean(f.Rule + " " + place(f)), Class: f.Rule, File: clean(f.File),
			Failure: &junitProblem{clean(sentence(f)), f.Severity, clean(place(f)) + "\n" + f.ID},
		})
	}
	if !d.Coverage.Complete {
		s.Errors++
		s.Cases = append(s.Cases, junitCase{
			Name: "everything was read", Class: "coverage",
			Error: &junitProblem{"not everything could be read", "incomplete", strings.Join(gaps(d), "\n")},
		})
	} else if len(s.Cases) == 0 {
		s.Cases = append(s.Cases, junitCase{Name: "no secret in " + receipt(d), Class: "coverage"})
	}
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(junitSuites{Suite: s}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
