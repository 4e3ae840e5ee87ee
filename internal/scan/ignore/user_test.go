package ignore_test

import (
	"errors"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/ignore"
)

func TestUserFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		env, files map[string]string
		want       string
	}{
		{"nothing is known", nil, nil, ""},
		{"default", map[string]string{"HOME": "/h"}, nil, "/h/.config/git/ignore"},
		{"default elsewhere", map[string]string{"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, nil, "/x/git/ignore"},
		{"set", map[string]string{"HOME": "/h"}, map[string]string{"/h/.gitconfig": "[core]\n\texcludesfile = /list\n"}, "/list"},
		{"the last wins", map[string]string{"HOME": "/h"}, map[string]string{"/h/.gitconfig": "[core]\nexcludesFile=/a\n[x]\nexcludesFile=/no\n[core] excludesFile=/b", "/h/.config/git/config": "[core]\nexcludesfile=/c\n"}, "/b"},
		{"system", map[string]string{"HOME": "/h"}, map[string]string{"/etc/gitconfig": "[core]\nexcludesfile=/s\n"}, "/s"},
		{"no system", map[string]string{"HOME": "/h", "GIT_CONFIG_NOSYSTEM": "1"}, map[string]string{"/etc/gitconfig": "[core]\nexcludesfile=/s\n"}, "/h/.config/git/ignore"},
		{"another file", map[string]string{"HOME": "/h", "GIT_CONFIG_GLOBAL": "/g"}, map[string]string{"/g": "[core]\nexcludesfile=~/l\n", "/h/.gitconfig": "[core]\nexcludesfile=/no\n"}, "/h/l"},
		{"subsection", map[string]string{"HOME": "/h"}, map[string]string{"/h/.gitconfig": "[core \"x\"]\nexcludesfile=/no\n"}, "/h/.config/git/ignore"},
		{"quotes and comments", map[string]string{"HOME": "/h"}, map[string]string{"/h/.gitconfig": "[core]\nexcludesfile = \"/a # b\" c\\\"d ; no\n"}, `/a # b c"d`},
		{"continued", map[string]string{"HOME": "/h"}, map[string]string{"/h/.gitconfig": "[core]\nexcludesfile = /a\\\r\nb  \n"}, "/ab"},
		{"no value", map[string]string{"HOME": "/h"}, map[string]string{"/h/.gitconfig": "[core]\nexcludesfile\n[core\n]=\\"}, "/h/.config/git/ignore"},
	} {
		got := ignore.UserFile(func(name string) string { return c.env[name] }, func(name string) ([]byte, error) {
			if text, ok := c.files[name]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("not there")
		})
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
