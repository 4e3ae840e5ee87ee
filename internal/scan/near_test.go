package scan_test

import (
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/proof"
)

// supabaseKey returns the one Supabase key that is found in files, with its proof.
func supabaseKey(t *testing.T, files map[string]string) scan.Finding {
	t.Helper()
	for _, f := range scanFiles(t, files).Findings {
		if f.Kind == credential.SupabaseSecretKey {
			return f
		}
	}
	t.Fatal("no key was found")
	return scan.Finding{}
}

// Wherever the project stands, the checksum binds the key to it.
func TestTheProjectOfASupabaseKey(t *testing.T) {
	t.Parallel()
	ref, other := made(t, "{lower:20}"), made(t, "x{lower:19}")
	key := "KEY=" + made(t, "{supabase:sb_secret_:"+ref+"}") + "\n"
	for name, files := range map[string]map[string]string{
		"the address in the same file":  {"a.env": "URL=https://" + ref + ".supabase.co\n" + key},
		"the address in another folder": {"web/.env": "SUPABASE_URL=https://" + ref + ".supabase.co\n", "api/.env": key},
		"config.toml":                   {"supabase/config.toml": "project_id = \"" + ref + "\"\n", "web/.env": key},
		"a remote in config.toml":       {"supabase/config.toml": "project_id = \"shop\"\n[remotes.prod]\nproject_id = \"" + ref + "\"\n", ".env": key},
		"the linked project":            {"supabase/.temp/project-ref": ref, ".env": key},
		"the linked project, a line":    {"app/supabase/.temp/project-ref": ref + "\n", "app/.env": key},
		"a variable":                    {".env": "VITE_SUPABASE_PROJECT_ID=" + ref + "\n", "b.env": key},
		"a command":                     {"ci.yml": "run: supabase link --project-ref " + ref + "\n", "b.env": key},
		"the dashboard":                 {"README.md": "https://supabase.com/dashboard/project/" + ref + "\n", "b.env": key},
		"a connection pooler":           {"db.env": "postgres://postgres." + ref + ":[PASSWORD]@aws-0-eu-west-1.pooler.supabase.com:6543/postgres\n", "b.env": key},
	} {
		files["far/.env"] = "URL=https://" + other + ".supabase.co\n"
		f := supabaseKey(t, files)
		if f.Proof.Checksum != proof.Valid || f.Proof.Project != ref || f.Proof.Near != "" {
			t.Errorf("%s: %+v", name, f.Proof)
		}
	}
}

// A key that no project's checksum fits goes with the one project that stands nearest,
// as a guess; with none where several stand equally near.
func TestTheProjectNearASupabaseKey(t *testing.T) {
	t.Parallel()
	one, two := made(t, "{lower:20}"), made(t, "x{lower:19}")
	key := "KEY=" + made(t, "{supabase:sb_secret_:"+made(t, "z{lower:19}")+"}") + "\n"
	url := func(ref string) string { return "URL=https://" + ref + ".supabase.co\n" }
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":                       {map[string]string{"a.env": key}, ""},
		"in the file":                   {map[string]string{"a.env": url(one) + key, "b.env": url(two)}, one},
		"two in the file":               {map[string]string{"a.env": url(one) + url(two) + key}, ""},
		"in the folder":                 {map[string]string{"x/a.env": key, "x/b.env": url(one), "y/b.env": url(two)}, one},
		"in the folder's supabase":      {map[string]string{"x/a.env": key, "x/supabase/.temp/project-ref": one, "y/b.env": url(two)}, one},
		"the only one":                  {map[string]string{"x/a.env": key, "y/b.env": url(one)}, one},
		"two, both far":                 {map[string]string{"x/a.env": key, "y/b.env": url(one), "z/b.env": url(two)}, ""},
		"a large file of such a name":   {map[string]string{"a.env": key, "supabase/.temp/project-ref": one + "\n" + two + "\n" + two}, ""},
		"a hostile file of such a name": {map[string]string{"a.env": key, "supabase/.temp/project-ref": "a.evil.example/\x1b[2J"}, ""},
	} {
		f := supabaseKey(t, tc.files)
		if f.Proof.Near != tc.want || f.Proof.Project != "" || f.Proof.Checksum != proof.None {
			t.Errorf("%s: %+v, want %q", name, f.Proof, tc.want)
		}
	}
}
