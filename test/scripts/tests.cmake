# The scripts themselves, and what they say of the sources.
uvchan_add_script(floors floors.sh)
uvchan_add_script(scripts scripts.sh)
uvchan_add_script(server-rooms ../server/rooms.sh)
uvchan_add_script(run-demo run-demo.sh)
uvchan_add_script(run-portability run-portability.sh)
