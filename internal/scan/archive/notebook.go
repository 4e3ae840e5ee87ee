package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// isNotebook reports whether data is a Jupyter notebook: a JSON object that says
// so at its top (nbformat.readthedocs.io, "top-level structure").
func isNotebook(data []byte) bool {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(data) == 0 || data[0] != '{' || !bytes.Contains(data, []byte(`"nbformat"`)) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	named := false
	for depth := 0; ; {
		t, err := d.Token()
		switch {
		case err != nil: // what is damaged is better scanned as it is
			return named && depth == 0 && errors.Is(err, io.EOF)
		case t == json.Delim('{'), t == json.Delim('['):
			depth++
		case t == json.Delim('}'), t == json.Delim(']'):
			if depth--; depth == 0 && !named {
				return false
			}
		case depth == 1 && t == "nbformat":
			named = true
		}
	}
}

// notebook visits the source and the outputs of each cell, and the rest.
func (o *opening) notebook(data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	n := &notebook{opening: o, json: json.NewDecoder(bytes.NewReader(data)), text: o.buffer(), rest: o.buffer()}
	defer func() { o.giveBack(n.text); o.giveBack(n.rest) }()
	n.json.UseNumber()
	t, err := n.json.Token()
	if err != nil {
		return errDamaged
	}
	if err := n.value(t); err != nil {
		return err
	}
	if len(n.rest) == 0 {
		return nil
	}
	return o.leafEntry("metadata", n.rest)
}

// leafEntry visits text that was made of an archive.
func (o *opening) leafEntry(name string, data []byte) error {
	at, err := o.entry(name)
	if err != nil {
		return err
	}
	return o.leaf(at, data)
}

type notebook struct {
	*opening

	json *json.Decoder
	path []string
	text []byte // of the value that is being read
	rest []byte // lines of names and values
}

// value reads a value that begins with t. The depth is bounded by the decoder.
func (n *notebook) value(t json.Token) error {
	if err := n.ctx.Err(); err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		return n.object()
	case json.Delim('['):
		if n.isText() {
			return n.lines()
		}
		return n.array()
	}
	if n.isText() {
		if s, ok := t.(string); ok {
			n.text = append(n.text[:0], s...)
			return n.visitText()
		}
	}
	n.other(t)
	return nil
}

func (n *notebook) object() error {
	for n.json.More() {
		key, err := n.json.Token()
		if err != nil {
			return errDamaged
		}
		name, _ := key.(string)
		if err := n.member(name); err != nil {
			return err
		}
	}
	return n.end()
}

func (n *notebook) array() error {
	for i := 0; n.json.More(); i++ {
		if err := n.member(strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return n.end()
}

// member reads the value of a name or number.
func (n *notebook) member(name string) error {
	t, err := n.json.Token()
	if err != nil {
		return errDamaged
	}
	return n.named(name, t)
}

// named reads a value that begins with t, under a name. Long names are cut: each
// is repeated for all that it holds.
func (n *notebook) named(name string, t json.Token) error {
	const most = 200
	n.path = append(n.path, name[:min(len(name), most)])
	err := n.value(t)
	n.path = n.path[:len(n.path)-1]
	return err
}

func (n *notebook) end() error {
	if _, err := n.json.Token(); err != nil {
		return errDamaged
	}
	return nil
}

// isText reports whether the value at the path is text, whole or as a list of
// lines: the source of a cell, an output, its forms by media type, a traceback.
func (n *notebook) isText() bool {
	const least, most = 3, 20 // names on the way: cells, its number, source
	if len(n.path) < least || len(n.path) > most || !strings.HasPrefix(n.path[0], "cells") && n.path[0] != "worksheets" {
		return false
	}
	last := n.path[len(n.path)-1]
	switch last {
	case "source", "input", "text", "traceback":
		return true
	}
	return strings.Contains(last, "/") || n.path[len(n.path)-2] == "data" && !strings.HasPrefix(last, "{")
}

// lines joins a list of strings, which hold their own line ends. A traceback is a
// list without.
func (n *notebook) lines() error {
	n.text = n.text[:0]
	ends := n.path[len(n.path)-1] == "traceback"
	for i := 0; n.json.More(); i++ {
		t, err := n.json.Token()
		if err != nil {
			return errDamaged
		}
		s, ok := t.(string)
		if !ok {
			if err := n.inner(strconv.Itoa(i), t); err != nil {
				return err
			}
			continue
		}
		n.text = append(n.text, s...)
		if ends {
			n.text = append(n.text, '\n')
		}
	}
	if err := n.end(); err != nil {
		return err
	}
	return n.visitText()
}

// inner reads what is no string in a list of strings.
func (n *notebook) inner(name string, t json.Token) error {
	kept := n.text
	n.text = n.buffer()
	defer func() { n.giveBack(n.text); n.text = kept }()
	return n.named(name, t)
}

func (n *notebook) visitText() error {
	name := strings.Join(n.path, "/")
	if media := n.path[len(n.path)-1]; strings.HasPrefix(media, "image/") && media != "image/svg+xml" || media == "application/pdf" {
		n.skip(Skip{What: "image", Why: "text in it is not read", Path: Name(n.at, name)})
		return nil
	}
	return n.leafEntry(name, n.text)
}

// other keeps a value that is not text of a cell, with its name. Those of a list
// have none.
func (n *notebook) other(t json.Token) {
	var value string
	switch t := t.(type) {
	case string:
		value = t
	case json.Number:
		value = t.String()
	default:
		return
	}
	if name := n.path[len(n.path)-1]; strings.Trim(name, "0123456789") != "" {
		n.rest = append(append(n.rest, name...), ": "...)
	}
	n.rest = append(append(n.rest, value...), '\n')
}
