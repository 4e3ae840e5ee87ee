package ignore

import (
	"path/filepath"
	"strings"
)

// UserFile returns the user's own list of names to ignore, which need not exist:
// what core.excludesFile names, else the default (git-config(1), gitignore(5)).
// Files that a configuration includes are not followed. It is empty when no home is
// known.
func UserFile(env func(string) string, read func(name string) ([]byte, error)) string {
	home, config := env("HOME"), env("XDG_CONFIG_HOME")
	if config == "" && home != "" {
		config = filepath.Join(home, ".config")
	}
	var files []string
	if env("GIT_CONFIG_NOSYSTEM") == "" {
		files = append(files, "/etc/gitconfig")
	}
	switch global := env("GIT_CONFIG_GLOBAL"); {
	case global != "":
		files = append(files, global)
	case home != "":
		files = append(files, filepath.Join(config, "git", "config"), filepath.Join(home, ".gitconfig"))
	}
	found := ""
	if config != "" {
		found = filepath.Join(config, "git", "ignore")
	}
	for _, name := range files { // the last one that says something holds
		data, err := read(name)
		if err != nil {
			continue
		}
		if value, ok := setting(string(data), "core", "excludesfile"); ok {
			found = value
		}
	}
	if rest, ok := strings.CutPrefix(found, "~/"); ok && home != "" {
		found = filepath.Join(home, rest)
	}
	return found
}

// setting returns the last value of a key in a section, in lower case both.
func setting(config, section, key string) (string, bool) {
	found, known, here := "", false, false
	for rest := config; rest != ""; {
		var line string
		line, rest = logicalLine(rest)
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			name, behind, _ := strings.Cut(line[1:], "]")
			here = strings.EqualFold(strings.TrimSpace(name), section)
			line = strings.TrimSpace(behind)
		}
		name, value, set := strings.Cut(line, "=")
		if here && set && strings.EqualFold(strings.TrimSpace(name), key) {
			found, known = unquote(strings.TrimSpace(value)), true
		}
	}
	return found, known
}

// logicalLine takes a line, with those that it is continued on.
func logicalLine(s string) (line, rest string) {
	for {
		var part string
		part, s, _ = strings.Cut(s, "\n")
		part = strings.TrimSuffix(part, "\r")
		before, continued := strings.CutSuffix(part, `\`)
		line += before
		if !continued || s == "" {
			return line, s
		}
	}
}

// unquote reads a value: quotes, escapes, and no comment behind it.
func unquote(s string) string {
	var b strings.Builder
	quoted, end := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
			end = b.Len()
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(escaped(s[i]))
			end = b.Len()
		case (c == '#' || c == ';') && !quoted:
			return b.String()[:end]
		default:
			b.WriteByte(c)
			if quoted || c != ' ' && c != '\t' {
				end = b.Len()
			}
		}
	}
	return b.String()[:end]
}

func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	}
	return c
}
