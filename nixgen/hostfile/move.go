package hostfile

const (
	importing  = ".importing-"
	forgetting = ".forgetting-"
)
