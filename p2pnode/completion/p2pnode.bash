# Completes p2pnode in bash: source <(p2pnode completion bash)
_p2pnode() {
	local IFS=$'\n'
	COMPREPLY=($("${COMP_WORDS[0]}" completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _p2pnode p2pnode
