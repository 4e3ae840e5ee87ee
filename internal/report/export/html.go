package export

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
	"slices"

	"github.com/secretguard/secretguard/internal/report/document"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// pageBar is a bar of a chart.
type pageBar struct {
	Name         string
	Count        int
	Y, TextY     int // pixels
	Width        int // of 300
	SeverityName string
}

type pageRow struct {
	document.Finding
	Place, Who string
	There      bool
}

type pageData struct {
	Doc        document.Scan
	Found      []pageRow
	Accepted   int
	Receipt    string
	Gaps       []string
	Severities []pageBar
	Rules      []pageBar
	RulesTall  int
}

// writeHTML writes one page that loads nothing: the charts are SVG, and the filter is
// radio buttons and style rules, so that a policy without scripts holds.
func writeHTML(w io.Writer, d document.Scan) error {
	found := active(d)
	p := pageData{Doc: d, Accepted: len(d.Findings) - len(found), Receipt: receipt(d), Gaps: gaps(d)}
	bySeverity, byRule := map[string]int{}, map[string]int{}
	var rules []string
	for _, f := range found {
		bySeverity[f.Severity]++
		if byRule[f.Rule]++; byRule[f.Rule] == 1 {
			rules = append(rules, f.Rule)
		}
		f.Secret, f.Description = clean(f.Secret), clean(f.Description)
		p.Found = append(p.Found, pageRow{f, clean(place(f)), clean(f.Author), f.InHead || f.Commit == ""})
	}
	p.Severities = bars([]string{"critical", "high", "medium", "low", "info"}, bySeverity)
	p.Rules = bars(mostFirst(rules, byRule), byRule)
	p.RulesTall = 26*len(p.Rules) + 4
	return page.Execute(w, p)
}

// mostRules bounds the chart of rules.
const mostRules = 12

func bars(names []string, counts map[string]int) []pageBar {
	most := 1
	for _, n := range names {
		most = max(most, counts[n])
	}
	var out []pageBar
	for i, n := range names {
		out = append(out, pageBar{Name: n, Count: counts[n], Y: 26*i + 4, TextY: 26*i + 19, Width: 300 * counts[n] / most, SeverityName: n})
	}
	return out
}

// mostFirst orders names by how often they come, and bounds them.
func mostFirst(names []string, counts map[string]int) []string {
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return names[:min(len(names), mostRules)]
}
