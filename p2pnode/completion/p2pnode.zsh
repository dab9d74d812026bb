#compdef p2pnode
# Completes p2pnode in zsh: source <(p2pnode completion zsh)
_p2pnode() {
	local -a found
	found=(${(f)"$("${words[1]}" completion words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	if (( ${#found} )); then
		compadd -- "${found[@]}"
	else
		_files
	fi
}
compdef _p2pnode p2pnode
