import faceplate_nuke

faceplate_nuke.start_menu()
