// Package ignore judges names as git does.
package ignore
