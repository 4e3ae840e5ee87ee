// Package term makes foreign text safe for a terminal and knows facts about the
// terminal. File names, commit messages, authors, refs and provider answers are
// hostile until they have been through [Clean].
package term
