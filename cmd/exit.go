package cmd

func (env *Env) exit(err error) int {
	if err == nil {
		return 0
	}
	return 1
}
