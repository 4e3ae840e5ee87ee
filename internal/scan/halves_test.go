package scan_test

import (
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
)

// One half of a pair weighs less while nothing could be the other; what is public is
// no finding, and is kept as context.
func TestHalvesAlone(t *testing.T) {
	t.Parallel()
	id, secret := "AWS_ACCESS_KEY_ID="+made(t, "AKIA{base32:16}")+"\n", "AWS_SECRET_ACCESS_KEY="+made(t, "{base64:40}")+"\n"
	client, clientSecret := "ID="+made(t, "{digit:12}-{base36:32}.apps.googleusercontent.com")+"\n", "GOOGLE_CLIENT_SECRET="+made(t, "GOCSPX-{base64url:28}")+"\n"
	for name, tc := range map[string]struct {
		files   map[string]string
		want    map[string]scan.Severity // by rule
		context int
	}{
		"an id alone":         {map[string]string{"a": id}, map[string]scan.Severity{"aws-access-key-id": scan.Medium}, 0},
		"a secret alone":      {map[string]string{"a": secret}, map[string]scan.Severity{"aws-secret-access-key": scan.High}, 0},
		"both, in two files":  {map[string]string{"a": id, "b": secret}, map[string]scan.Severity{"aws-access-key-id": scan.High, "aws-secret-access-key": scan.Critical}, 0},
		"other families":      {map[string]string{"a": id, "b": clientSecret}, map[string]scan.Severity{"aws-access-key-id": scan.Medium, "google-oauth-client-secret": scan.Medium}, 0},
		"with a public id":    {map[string]string{"a": client, "b": clientSecret}, map[string]scan.Severity{"google-oauth-client-secret": scan.High}, 1},
		"a public id alone":   {map[string]string{"a": client}, map[string]scan.Severity{}, 1},
		"the id is set aside": {map[string]string{"a": "AKIA" + "IOSFODNN7EXAMPLE\n", "b": secret}, map[string]scan.Severity{"aws-access-key-id": scan.High, "aws-secret-access-key": scan.High}, 0},
	} {
		res := scanFiles(t, tc.files)
		if len(res.Findings) != len(tc.want) || len(res.Context) != tc.context {
			t.Errorf("%s: %d findings and %d of context", name, len(res.Findings), len(res.Context))
		}
		for _, f := range res.Findings {
			if f.Severity != tc.want[f.Rule] {
				t.Errorf("%s: %s is %s, want %s", name, f.Rule, f.Severity, tc.want[f.Rule])
			}
		}
	}
}
