package noise

// following tells how seldom a letter follows another in English words, in half
// bits: 'a' is never a surprise, 'z' hardly ever happens. One string for each first
// letter. Counted over the words of the comments in Go's standard library.
var following = [26]string{
	"wliiznlxkzmgjfzkyhjflmrpmv", // a
	"hohxfxuzikwgvvhqzmipfwzzjz", // b
	"fsmsgvlhlzhjpsenrlnhlrtzpz", // c
	"jrpieprtfqzjpohpxiiokppuix", // d
	"ipigkmospxukkgqlnfghpmokqz", // e
	"iumniixqezzjvserzgklizxznz", // f
	"kvlrdrmhhzwloifoujjmkrtzus", // g
	"fztscuyzgzzwqwiuzlsjnzzzsz", // h
	"mkijlnjzvxqhieimxlhgzmzpzl", // i
	"guwtdpzwmzrutukqwzildzzzzz", // j
	"hnqncomrgzwlpgmnqohomtovqz", // k
	"irrjepstfztfvtgrzpklkqoziz", // l
	"ekqoeuuthzoohtigvvkqjywztz", // m
	"iqjggngujwmmrlhrvthfmosznz", // n
	"pnijnmnxlyokhflizfjhhlkswy", // o
	"ftnngtpojzvhsvgjzgkhkpszkz", // p
	"xuvorzutnxxmttxtzxopazxxzx", // q
	"grlmenmuhzlnmjgqzjjjjlpzlz", // r
	"kwjmerpkhzpnpnjjuqiejwoziv", // s
	"itnsfqsdgzxnqujmzijlkvotly", // t
	"mnknhlmzjzzijfrkzgfgvzzozx", // u
	"fwrrbpwyhzztqzhqxzsuzszywz", // v
	"grqrhrtfezzprkhoxgkpwzlyyz", // w
	"hqiqgotogzzrsoqfwoodurqnlz", // x
	"qpltmvttlzzhkgngzidhuwozyw", // y
	"izxwazuskzzpzwlpxzuxzzzxpo", // z
}
