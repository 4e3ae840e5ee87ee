// Command secretguard ends a leaked-key incident: find, replace, prove dead.
package main

func main() {}
