package history

// Whole makes a selection be judged by a scan of everything, or object by object.
func (o Options) Whole(whole bool) Options {
	o.whole, o.few = whole, !whole
	return o
}
